"""ModelRegistry: the versions of one workload's model in one environment."""

from __future__ import annotations

from aws_cdk import CfnTag, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from mlops_constructs.governance.grants import allow_names, allow_wildcard
from mlops_constructs.governance.wildcards import OWN_NAMES, REGISTRY_LIST
from mlops_constructs.lineage import decision_only
from mlops_constructs.training.access import sagemaker_arn

NO_CHAMPION = "none"


def champion_parameter_name(workload: str, environment_name: str) -> str:
    """SSM parameter that names the model package in service, `none` before the first deployment."""
    return f"/mlops/{environment_name}/{workload}/champion"


class ModelRegistry(Construct):
    """A model package group. It has no resource policy: no other account can see or use the models.

    Args:
        name: Physical name; people approve versions under it and events carry it.
        description: What the models are for.
        retain: Keep the group and its versions when the stack is deleted. True by default.
        tags: Tags of the group by name; none by default.

    Attributes:
        group: The `sagemaker.CfnModelPackageGroup`.
        name: Its name.
        group_arn: Its ARN.
        packages_arn: Pattern of the ARNs of its versions.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        description: str,
        retain: bool = True,
        tags: dict[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.name = name
        self.group = sagemaker.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=name,
            model_package_group_description=description,
            tags=[CfnTag(key=key, value=value) for key, value in (tags or {}).items()] or None,
        )
        self.group.apply_removal_policy(RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY)
        self.group_arn = sagemaker_arn(self, "model-package-group", name)
        self.packages_arn = sagemaker_arn(self, "model-package", f"{name}/*")

    def grant_read(self, role: iam.IRole) -> None:
        """Let a role describe versions of this group."""
        allow_names(role, OWN_NAMES, "sagemaker:DescribeModelPackage", on=[self.packages_arn])

    def grant_list(self, role: iam.IRole) -> None:
        """Let a role find versions (the API knows no resource), and describe those of this group."""
        allow_wildcard(role, REGISTRY_LIST)
        self.grant_read(role)

    def grant_reject(self, role: iam.IRole) -> None:
        """Let a role reject versions of this group; never approve one."""
        only = decision_only(["Rejected"])
        allow_names(role, OWN_NAMES, "sagemaker:UpdateModelPackage", on=[self.packages_arn], conditions=only)

    def grant_register(self, role: iam.IRole) -> None:
        """Let a role register versions in this group."""
        allow_names(role, OWN_NAMES, "sagemaker:CreateModelPackage", on=[self.group_arn, self.packages_arn])
