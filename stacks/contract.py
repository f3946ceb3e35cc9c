"""The SSM contract: what an environment tells its users, under `/mlops/<environment>/<area>/<name>`."""

from collections.abc import Mapping

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.config import Environment


def publish(scope: Construct, environment: Environment, area: str, values: Mapping[str, str]) -> None:
    """Write one String parameter per value.

    Args:
        scope: where the parameters are made; the ids are `Contract<Name>`.
        environment: its name is the second part of the path.
        area: stack or workload the values belong to.
        values: names, lower case with hyphens, and values.
    """
    for name, value in values.items():
        ssm.StringParameter(
            scope,
            "Contract" + name.title().replace("-", ""),
            parameter_name=f"/mlops/{environment.name}/{area}/{name}",
            string_value=value,
        )
