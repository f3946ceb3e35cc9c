"""PlatformFunction: one folder of `lambda/` as a Lambda function that passes every check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from mlops_constructs.governance.grants import allow, allow_wildcard, use_key, waive_wildcard
from mlops_constructs.governance.known import minutes, place_of, service
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import NETWORK_INTERFACES, OWNER, REVIEW, TRACING
from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.orchestration.layers import ARCHITECTURE, RUNTIME, powertools_layer_arn

ENVIRONMENT_BYTES = 4096
_PACKS = ("NIST.800.53.R5", "HIPAA.Security")
_VPC_PROPERTIES = ("VpcConfig.SubnetIds", "VpcConfig.SecurityGroupIds")
_REASONS = {
    "LambdaConcurrency": (
        "The workflow that calls the function bounds its concurrency; a reservation would starve the account's others."
    ),
    "LambdaDLQ": "Called synchronously by a workflow that catches the failure: a dead letter queue would stay empty.",
    "LambdaInsideVPC": "No network was given: it reaches AWS APIs only, over TLS, and its role names each resource.",
}


def code_root() -> Path:
    """The folder of function code: `lambda/` of a checkout, or the copy inside the installed package.

    Raises:
        FileNotFoundError: Neither exists.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "_lambda", package.parents[1] / "lambda"):
        if (candidate / "mlops_runtime").is_dir():
            return candidate
    raise FileNotFoundError(f"no function code beside {package}: expected _lambda/ (wheel) or ../../lambda/ (checkout)")


class PlatformFunction(Construct):
    """A Lambda function from a folder of `lambda/`, with its own role, encrypted logs and environment, and tracing.

    Args:
        folder: Folder name; the handler is `<folder>.handler.handler`. Only that folder and `mlops_runtime` are packed.
        environment: Environment variables, encrypted with the key.
        encryption_key: Key of environment and logs. Must allow CloudWatch Logs when it also serves as `log_key`.
        log_key: Key of the log group; the encryption key by default.
        network: Runs in the network's private subnets; outside any VPC by default.
        timeout: Longest run; 1 minute by default.
        memory_mb: Memory in MiB.
        reserved: Reserved concurrent executions; unreserved by default.
        dead_letter_queue: Where events of failed asynchronous calls go; none by default, for functions that workflows
            call.
        log_retention: 1 year by default.
        role: Role of yours that the function runs in, which `lambda.amazonaws.com` assumes; one is created by default.

    Attributes:
        function: The `lambda.Function`.
        role: Its role; grant on this.
        log_group: Its log group.

    Raises:
        ValueError: There is no such folder, or the environment is larger than Lambda takes.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        folder: str,
        environment: Mapping[str, str],
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
        network: Network | None = None,
        timeout: Duration | None = None,
        memory_mb: int = 256,
        reserved: int | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        role: iam.IRole | None = None,
    ) -> None:
        super().__init__(scope, id)
        root = code_root()
        if not (root / folder / "handler.py").is_file():
            known = sorted(path.parent.name for path in root.glob("*/handler.py"))
            raise ValueError(f"no function {folder!r} in {root}; there are: {', '.join(known)}")
        if (size := sum(len(name) + len(value) for name, value in environment.items())) > ENVIRONMENT_BYTES:
            raise ValueError(f"environment of {folder} has {size} bytes, Lambda takes {ENVIRONMENT_BYTES}: pass less")
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            encryption_key=log_key or encryption_key,
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._timeout = timeout or minutes(1)
        self.role: iam.IRole = role or iam.Role(self, "Role", assumed_by=service("lambda.amazonaws.com"))
        self._grant(encryption_key, network)
        self.function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(
                str(root),
                ignore_mode=IgnoreMode.GIT,
                exclude=["/*", f"!/{folder}", "!/mlops_runtime", "__pycache__"],
            ),
            handler=f"{folder}.handler.handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            layers=[
                lambda_.LayerVersion.from_layer_version_arn(
                    self, "Powertools", powertools_layer_arn(place_of(self).region)
                )
            ],
            environment={"POWERTOOLS_SERVICE_NAME": folder, **environment},
            environment_encryption=encryption_key,
            role=self.role,
            log_group=self.log_group,
            timeout=self._timeout,
            memory_size=memory_mb,
            reserved_concurrent_executions=reserved,
            dead_letter_queue=dead_letter_queue,
            tracing=lambda_.Tracing.ACTIVE,
            vpc=network.vpc if network else None,
            vpc_subnets=network.subnet_selection if network else None,
            security_groups=[network.function_security_group] if network else None,
        )
        self._waive(reserved=reserved is not None, queue=dead_letter_queue is not None, network=network is not None)

    @property
    def function_arn(self) -> str:
        """ARN of the function."""
        return self.function.function_arn

    @property
    def callee(self) -> Callee:
        """The function as a workflow calls it, for `states.invoke`."""
        return Callee(arn=self.function_arn, timeout_seconds=int(self._timeout.to_seconds()))

    def _grant(self, encryption_key: kms.IKey, network: Network | None) -> None:
        role = self.role
        allow(role, "logs:CreateLogStream", "logs:PutLogEvents", on=[self.log_group.log_group_arn])
        use_key(encryption_key, role, "kms:Decrypt")
        waive_wildcard(role, TRACING)  # the Function adds the statement for active tracing
        if network:
            _allow_network_interfaces(role)

    def _waive(self, *, reserved: bool, queue: bool, network: bool) -> None:
        accepted = {"LambdaConcurrency": not reserved, "LambdaDLQ": not queue, "LambdaInsideVPC": not network}
        findings = {
            f"{pack}::{pack}-{rule}": rule for rule, wanted in accepted.items() for pack in _PACKS if wanted
        } | {f"MLOps::NET-1.in-vpc[{name}]": "LambdaInsideVPC" for name in _VPC_PROPERTIES if not network}
        waive(
            self.function,
            *(
                Waiver(finding=finding, reason=_REASONS[rule], owner=OWNER, review=REVIEW)
                for finding, rule in findings.items()
            ),
        )


def _allow_network_interfaces(role: iam.IRole) -> None:
    actions = (
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    )
    allow_wildcard(role, NETWORK_INTERFACES, *actions)
    # Lambda itself needs these, the function's code never: calls from inside the function carry its ARN.
    functions = place_of(role).arn("lambda", "function:*")
    role.add_to_principal_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=list(actions),
            resources=["*"],
            conditions={"ArnLike": {"lambda:SourceFunctionArn": functions}},
        )
    )
