"""LiveParameter: an SSM parameter that CloudFormation makes and removes, and whose value it never touches."""

from __future__ import annotations

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlops_constructs.governance.grants import allow
from mlops_constructs.governance.known import place_of
from mlops_constructs.orchestration.function import PlatformFunction


class ParameterMaker(Construct):
    """One function behind the `Custom::LiveParameter`s of a stack; it may do nothing until one is made.

    It runs outside any VPC: it answers to a bucket of CloudFormation.

    Args:
        encryption_key: Key of the function's environment.
        log_key: Key of its log group; the encryption key by default. Must allow CloudWatch Logs.
        role: Role of yours that it runs in, which `lambda.amazonaws.com` assumes; one is created by default.

    Attributes:
        function: The `PlatformFunction`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
        role: iam.IRole | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.function = PlatformFunction(
            self,
            "Function",
            folder="live_parameter",
            environment={},
            encryption_key=encryption_key,
            log_key=log_key,
            role=role,
        )


class LiveParameter(Construct):
    """An SSM parameter whose value belongs to the people and workflows that write it.

    An `AWS::SSM::Parameter` would not do: CloudFormation writes the template's value at every update of the resource,
    also when only a tag or the description changed, and so turns back what a person turned. This one is made with its
    first value, is never updated, and goes with the stack. One that is there already keeps its value and outlives the
    stack, also when the deployment that found it is rolled back. It has no tags.

    Args:
        maker: The function that makes it; shared by the parameters of a construct.
        name: Its name, a path. It cannot change.
        first_value: What it says until somebody writes it.
        description: What it is for.

    Attributes:
        name: Its name.
        arn: Its ARN.
        resource: The `CustomResource`.
    """

    def __init__(
        self, scope: Construct, id: str, *, maker: ParameterMaker, name: str, first_value: str, description: str
    ) -> None:
        super().__init__(scope, id)
        if not name.startswith("/"):
            raise ValueError(f"name must be a path like /mlops/dev/churn/kill-switch, got {name!r}")
        self.name, self.arn = name, parameter_arn(self, name)
        allow(maker.function.role, "ssm:PutParameter", "ssm:DeleteParameter", on=[self.arn])
        self.resource = CustomResource(
            self,
            "Parameter",
            resource_type="Custom::LiveParameter",
            service_token=maker.function.function_arn,
            properties={"Name": name, "FirstValue": first_value, "Description": description},
        )
        self.resource.node.add_dependency(maker)

    def grant_read(self, role: iam.IRole) -> None:
        """Let a role read the value."""
        allow(role, "ssm:GetParameter", on=[self.arn])

    def grant_write(self, role: iam.IRole) -> None:
        """Let a role write the value."""
        allow(role, "ssm:PutParameter", on=[self.arn])


def parameter_arn(scope: Construct, name: str) -> str:
    """ARN of the parameter of this name (a path) in the account and region of a construct."""
    return place_of(scope).arn("ssm", f"parameter{name}")
