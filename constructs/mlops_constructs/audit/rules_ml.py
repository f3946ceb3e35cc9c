"""Rules of the conformance pack on machine learning resources."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_constructs.audit.rule import MONITOR_JOB_REGIONS, WITHOUT_SAGEMAKER_RULES, ConfigRule, managed


def _sagemaker(control: str, identifiers: Mapping[str, str]) -> tuple[ConfigRule, ...]:
    return tuple(
        ConfigRule(control=control, identifier=name, why=why, except_regions=WITHOUT_SAGEMAKER_RULES)
        for name, why in identifiers.items()
    )


def _monitor_jobs(control: str, identifiers: Mapping[str, str]) -> tuple[ConfigRule, ...]:
    return tuple(
        ConfigRule(control=control, identifier=name, why=why, regions=MONITOR_JOB_REGIONS)
        for name, why in identifiers.items()
    )


ML_RULES: tuple[ConfigRule, ...] = (
    *_monitor_jobs(
        "ENC-3",
        {
            "SAGEMAKER_MODEL_EXPLAINABILITY_JOB_ENCRYPT_IN_TRANSIT": (
                "Containers of an explainability job talk in plain text"
            )
        },
    ),
    *_sagemaker("ML-1", {"SAGEMAKER_MODEL_ISOLATION_ENABLED": "A model may reach the network"}),
    *_monitor_jobs(
        "ML-1",
        {
            "SAGEMAKER_DATA_QUALITY_JOB_ISOLATION": "A data quality job may reach the network",
            "SAGEMAKER_MODEL_BIAS_JOB_ISOLATION": "A bias job may reach the network",
            "SAGEMAKER_MODEL_QUALITY_JOB_DEFINITION_ISOLATION": "A model quality job may reach the network",
        },
    ),
    *_sagemaker(
        "ML-2",
        {
            "SAGEMAKER_MODEL_IN_VPC": "A model runs outside the VPC",
            "SAGEMAKER_NOTEBOOK_INSTANCE_INSIDE_VPC": "A notebook runs outside the VPC",
        },
    ),
    ConfigRule(
        control="ML-3",
        identifier="endpoint-capture",
        why="An endpoint does not capture every prediction under our key",
        types=("AWS::SageMaker::EndpointConfig",),
        policy="""
rule capture_is_whole_and_encrypted {
    configuration.DataCaptureConfig.EnableCapture == true <<Turn data capture on>>
    configuration.DataCaptureConfig.InitialSamplingPercentage == 100 <<Capture every request>>
    configuration.DataCaptureConfig.KmsKeyId exists <<Encrypt captured data with the models key>>
}""",
    ),
    ConfigRule(
        control="ML-4",
        identifier="monitoring-schedule-active",
        why="A monitoring schedule does not run",
        types=("AWS::SageMaker::MonitoringSchedule",),
        policy="""
rule schedule_runs {
    configuration.MonitoringScheduleStatus in ["Scheduled", "Pending"] <<Start the schedule, or delete it>>
}""",
    ),
    *_sagemaker(
        "ML-5",
        {
            "SAGEMAKER_DOMAIN_IN_VPC": "A Studio domain reaches the internet",
            "SAGEMAKER_NOTEBOOK_INSTANCE_ROOT_ACCESS_CHECK": "Users of a notebook are root",
        },
    ),
    *managed("ML-5", {"SAGEMAKER_NOTEBOOK_NO_DIRECT_INTERNET_ACCESS": "A notebook reaches the internet"}),
    *_sagemaker(
        "ML-6",
        {
            "SAGEMAKER_FEATUREGROUP_ONLINE_STORE_ENCRYPTION": "An online feature store has no KMS key",
            "SAGEMAKER_FEATUREGROUP_ENCRYPTION_AT_REST": "An offline feature store has no KMS key",
        },
    ),
    *managed(
        "ML-7",
        {
            "ECR_PRIVATE_IMAGE_SCANNING_ENABLED": "Images of a repository are not scanned",
            "ECR_PRIVATE_TAG_IMMUTABILITY_ENABLED": "A tag of a repository can be moved to another image",
        },
    ),
    ConfigRule(
        control="ML-7",
        identifier="model-image-pinned",
        why="A model names an image by a tag that can be moved",
        types=("AWS::SageMaker::Model",),
        policy="""
rule primary_image_is_pinned when configuration.PrimaryContainer.Image exists {
    configuration.PrimaryContainer.Image == /[@:](sha256:)?[0-9a-f]{64}$/ <<Name the image by its digest>>
}
rule images_are_pinned when configuration.Containers exists {
    configuration.Containers[*].Image == /[@:](sha256:)?[0-9a-f]{64}$/ <<Name the image by its digest>>
}""",
    ),
    ConfigRule(
        control="ML-8",
        identifier="SAGEMAKER_ENDPOINT_CONFIG_PROD_INSTANCE_COUNT",
        why="An endpoint does not survive the loss of a zone",
        guarded=True,
        except_regions=WITHOUT_SAGEMAKER_RULES,
    ),
)
