"""The stack that every stack of the platform is."""

import aws_cdk as cdk
from constructs import Construct

from mlops_constructs.governance.waivers import RULE_WAIVERS, waive
from stacks.config import Environment


class PlatformStack(cdk.Stack):
    """A stack of one environment, named `mlops-<environment>-<id>`.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier, without the environment's name.
        environment: where it is deployed; account, region, bootstrap qualifier and protection come from it.
        stateful: the stack holds data; it is protected against deletion in staging and prod.
        makes_boundary: the stack itself makes the permissions boundary and puts it on its roles, so that they are
            created after it. Every other stack refers to the boundary by its name.

    Attributes:
        environment_config: the environment.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        stateful: bool = False,
        makes_boundary: bool = False,
    ) -> None:
        super().__init__(
            scope,
            id,
            stack_name=f"mlops-{environment.name}-{id}",
            env=cdk.Environment(account=environment.account, region=environment.region),
            synthesizer=cdk.DefaultStackSynthesizer(qualifier=environment.bootstrap_qualifier),
            termination_protection=stateful and environment.stage.guarded,
            permissions_boundary=None
            if makes_boundary
            else cdk.PermissionsBoundary.from_arn(boundary_arn(environment)),
        )
        self.environment_config = environment
        waive(self, *RULE_WAIVERS)


def boundary_arn(environment: Environment) -> str:
    """Return the ARN of the permissions boundary: the account's own when the environment names one."""
    own = f"{environment.role_path.strip('/')}/mlops-{environment.name}-boundary"
    name = environment.permissions_boundary or own
    return f"arn:{cdk.Aws.PARTITION}:iam::{cdk.Aws.ACCOUNT_ID}:policy/{name}"
