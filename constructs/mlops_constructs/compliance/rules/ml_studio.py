"""ML-5 and ML-6: where people work with data, and where features and models are kept.

Settings are those of the CloudFormation schemas of AWS::SageMaker::Domain, UserProfile, Space, NotebookInstance,
FeatureGroup, ModelPackage and ModelCard; a missing one means the service's default, which is the open one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlops_constructs.compliance.asked import Asked, asked, given
from mlops_constructs.compliance.estate import Estate, Unknown
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity


def _studio(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "Domain"):
        access = one.get("AppNetworkAccessType")
        yield _say(one, access == "VpcOnly", "network", f"the domain's apps reach the internet ({access or 'default'})")
        placed = given(one.get("VpcId")) and given(one.get("SubnetIds"))
        yield _say(one, placed, "vpc", "the domain has no VPC and subnets of its own")
        groups = given(one.get("DefaultUserSettings.SecurityGroups"))
        yield _say(one, groups, "security-groups", "apps of new users get no security group of the platform")
        docker = one.get("DomainSettings.DockerSettings")
        if isinstance(docker, Mapping) and str(docker.get("EnableDockerAccess")).upper() == "ENABLED":
            accounts = given(docker.get("VpcOnlyTrustedAccounts"))
            yield _say(one, accounts, "docker", "users may pull images of any account: no VpcOnlyTrustedAccounts")


def _sharing(estate: Estate) -> Iterator[Judgement]:
    settings = {"Domain": "DefaultUserSettings", "UserProfile": "UserSettings"}
    for one in asked(estate, *settings):
        sharing = one.get(f"{settings[one.kind]}.SharingSettings")
        if isinstance(sharing, Mapping) and sharing.get("NotebookOutputOption") == "Allowed":
            yield _say(one, given(sharing.get("S3KmsKeyId")), "", "shared notebook output has no customer key")


def _notebooks(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "NotebookInstance"):
        for detail, path, safe, wrong in (
            ("internet", "DirectInternetAccess", "Disabled", "the notebook has direct internet access"),
            ("root", "RootAccess", "Disabled", "users of the notebook are root"),
        ):
            value = one.get(path)
            yield _say(one, not isinstance(value, Unknown) and value == safe, detail, wrong)
        placed = given(one.get("SubnetId")) and given(one.get("SecurityGroupIds"))
        yield _say(one, placed, "vpc", "the notebook is not in a subnet with a security group of the platform")
        version = one.get("InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion")
        yield _say(one, str(version) == "2", "metadata", "the notebook answers version 1 of the metadata service")


def _lifecycle(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "Domain"):
        idle = one.values("DefaultUserSettings.JupyterLabAppSettings.AppLifecycleManagement.IdleSettings")
        if idle:
            off = any(isinstance(each, Mapping) and each.get("LifecycleManagement") == "DISABLED" for each in idle)
            yield _say(one, not off, "", "idle apps are never stopped")


def _features(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "FeatureGroup"):
        online = one.get("OnlineStoreConfig")
        if isinstance(online, Mapping) and str(online.get("EnableOnlineStore", "true")).lower() != "false":
            key = one.get("OnlineStoreConfig.SecurityConfig.KmsKeyId")
            yield _say(one, _customer(key), "online", "the online store has no customer key")
        if isinstance(one.get("OfflineStoreConfig"), Mapping):
            key = one.get("OfflineStoreConfig.S3StorageConfig.KmsKeyId")
            yield _say(one, _customer(key), "offline", "the offline store has no customer key")


def _registry(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "ModelCard"):
        yield _say(one, _customer(one.get("SecurityConfig.KmsKeyId")), "", "the model card has no customer key")
    for one in asked(estate, "MlflowTrackingServer", "MlflowApp"):
        store = one.get("ArtifactStoreUri")
        yield _say(one, given(store), "artefacts", "experiments have no artefact store of the platform")


def _customer(key: object) -> bool:
    return given(key) and "alias/aws/" not in str(key)


def _say(one: Asked, ok: bool, aspect: str, message: str) -> Judgement:
    detail = ":".join(part for part in (one.where, aspect) if part)
    return Judgement(one.resource, ok, detail=detail, message=message)


RULES: tuple[Rule, ...] = (
    Rule(
        id="ML-5.studio-vpc-only",
        title="Studio apps live in the VPC only",
        rationale="An app with an internet route of its own walks data past every endpoint policy and flow log.",
        remedy="Set AppNetworkAccessType to VpcOnly, with private subnets and a security group for users.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_studio,
        also=("NET-1",),
    ),
    Rule(
        id="ML-5.shared-output-key",
        title="Shared notebook output is encrypted with a customer key",
        rationale="Cell output holds rows of the data; shared, it is a copy outside the lake.",
        remedy="Set SharingSettings.S3KmsKeyId, or NotebookOutputOption to Disabled.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_sharing,
        also=("ENC-1",),
    ),
    Rule(
        id="ML-5.notebook",
        title="Notebooks without internet, root or metadata version 1",
        rationale="Root and a direct route undo the network and the role an administrator chose.",
        remedy="Disable DirectInternetAccess and RootAccess, give a subnet and groups, require metadata version 2.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_notebooks,
        also=("NET-1",),
    ),
    Rule(
        id="ML-5.idle-shutdown",
        title="Idle apps stop by themselves",
        rationale="A forgotten app costs money and keeps a session with data open.",
        remedy="Leave LifecycleManagement ENABLED with a timeout.",
        severity=Severity.LOW,
        phase=Phase.SCALABLE,
        check=_lifecycle,
        also=("OPS-3",),
    ),
    Rule(
        id="ML-6.feature-store-keys",
        title="Feature groups are encrypted with a customer key",
        rationale="Features are personal data in a handier form; both stores keep them for years.",
        remedy="Name a key in OnlineStoreConfig.SecurityConfig and OfflineStoreConfig.S3StorageConfig.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_features,
        also=("ENC-1",),
    ),
    Rule(
        id="ML-6.registry-keys",
        title="Model cards and experiment stores belong to the organisation",
        rationale="Cards and runs say what a model is good for and where it fails.",
        remedy="Name a key in SecurityConfig; give tracking servers an artefact store of the platform.",
        severity=Severity.MEDIUM,
        phase=Phase.RELIABLE,
        check=_registry,
        also=("ENC-1",),
    ),
)
