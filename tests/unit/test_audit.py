"""The audit constructs and the stack that holds them: what is recorded, locked, judged, told, and to whom."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import guardpycfn
import pytest
from aws_cdk import aws_config as config
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from mlops_constructs.audit.detection import AGENTS, AccessAnalyzers
from mlops_constructs.audit.features import FEATURES
from mlops_constructs.audit.hub import SecurityHub
from mlops_constructs.audit.recorder import PACK_RULES, ConfigRecorder, ConformancePack, pack_template
from mlops_constructs.audit.routes import AccountWatch
from mlops_constructs.audit.routes_data import hub_pattern, service_patterns
from mlops_constructs.audit.rule import ConfigRule
from mlops_constructs.audit.rules_data import RULES, by_control
from mlops_constructs.audit.settings import AccountSettings, SensitiveData, VulnerabilityScanning
from mlops_constructs.audit.trail import ObjectLock, Trail
from mlops_constructs.audit.watch_data import WATCHES
from mlops_constructs.compliance.controls import CONTROLS
from mlops_constructs.governance import AlertTopic
from mlops_constructs.orchestration.bus import DeadLetterQueue
from tests.assembly import Assembly

PARTS = ("trail", "config", "security_hub", "guardduty", "macie", "access_analyzer", "inspector")
# Newer than the CDK's list; read in the AWS Config developer guide or in AWS's own conformance packs.
READ_IN_DOCUMENTATION = {
    "GUARDDUTY_S3_PROTECTION_ENABLED",
    "GLUE_JOB_LOGGING_ENABLED",
    "ATHENA_WORKGROUP_ENCRYPTED_AT_REST",
    "IAM_EXTERNAL_ACCESS_ANALYZER_ENABLED",
    "INSPECTOR_ECR_SCAN_ENABLED",
    "INSPECTOR_LAMBDA_STANDARD_SCAN_ENABLED",
    "MACIE_STATUS_CHECK",
    "SAGEMAKER_DATA_QUALITY_JOB_ISOLATION",
    "SAGEMAKER_DOMAIN_IN_VPC",
    "SAGEMAKER_ENDPOINT_CONFIG_PROD_INSTANCE_COUNT",
    "SAGEMAKER_FEATUREGROUP_ENCRYPTION_AT_REST",
    "SAGEMAKER_FEATUREGROUP_ONLINE_STORE_ENCRYPTION",
    "SAGEMAKER_MODEL_BIAS_JOB_ISOLATION",
    "SAGEMAKER_MODEL_EXPLAINABILITY_JOB_ENCRYPT_IN_TRANSIT",
    "SAGEMAKER_MODEL_IN_VPC",
    "SAGEMAKER_MODEL_ISOLATION_ENABLED",
    "SAGEMAKER_MODEL_QUALITY_JOB_DEFINITION_ISOLATION",
    "SAGEMAKER_NOTEBOOK_INSTANCE_INSIDE_VPC",
    "SAGEMAKER_NOTEBOOK_INSTANCE_ROOT_ACCESS_CHECK",
}


def of(assembly: Assembly, kind: str, environment: str = "prod") -> list[dict[str, Any]]:
    """Properties of the resources of a type in the audit stack of an environment."""
    return [
        resource.get("Properties", {})
        for _, stack, _, resource in assembly.resources(kind, environment=environment)
        if stack == "audit"
    ]


def statements(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from document["Statement"]


def test_every_part_is_there_in_prod_and_off_by_absence_elsewhere(assembly: Assembly) -> None:
    kinds = {
        "AWS::CloudTrail::Trail": ("dev", "prod", "staging"),
        "AWS::Config::ConfigurationRecorder": ("dev", "prod", "staging"),
        "AWS::SecurityHub::Hub": ("prod", "staging"),
        "AWS::GuardDuty::Detector": ("prod", "staging"),
        "AWS::Macie::Session": ("prod",),
        "AWS::AccessAnalyzer::Analyzer": ("dev", "prod", "staging"),
        "Custom::InspectorScans": ("prod",),
    }
    found = {kind: tuple(sorted({environment for environment, *_ in assembly.resources(kind)})) for kind in kinds}
    assert found == kinds


def test_the_trail_sees_every_region_the_lake_and_our_functions(assembly: Assembly) -> None:
    (trail,) = of(assembly, "AWS::CloudTrail::Trail")
    assert trail["IsMultiRegionTrail"] and trail["IncludeGlobalServiceEvents"] and trail["IsLogging"]
    assert trail["EnableLogFileValidation"]
    assert "Evidence" in json.dumps(trail["KMSKeyId"])
    fields = [{f["Field"]: f for f in each["FieldSelectors"]} for each in trail["AdvancedEventSelectors"]]
    assert [each["eventCategory"]["Equals"] for each in fields] == [["Management"], ["Data"], ["Data"]]
    buckets = json.dumps(fields[1]["resources.ARN"]["StartsWith"])
    zones = ("Landing", "Raw", "Curated", "Quarantine", "Artefacts", "Capture")
    assert all(f"Lake{zone}" in buckets for zone in zones)
    assert fields[2]["resources.ARN"]["StartsWith"] == ["arn:aws:lambda:us-east-1:333333333333:function:mlops-prod-"]
    assert len(trail["InsightSelectors"]) == 2


def test_files_of_the_trail_are_locked_and_kept(assembly: Assembly) -> None:
    buckets = {
        logical_id: resource
        for _, stack, logical_id, resource in assembly.resources("AWS::S3::Bucket", environment="prod")
        if stack == "audit"
    }
    (name,) = [each for each in buckets if each.startswith("TrailFiles")]
    properties = buckets[name]["Properties"]
    assert properties["ObjectLockEnabled"] is True
    retention = properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {"Mode": "COMPLIANCE", "Days": 365}
    assert all(bucket["DeletionPolicy"] == "Retain" for bucket in buckets.values())


def test_the_history_bucket_has_no_lock_which_config_would_refuse(assembly: Assembly) -> None:
    (channel,) = of(assembly, "AWS::Config::DeliveryChannel")
    name = channel["S3BucketName"]["Ref"]
    bucket = assembly.templates["prod"]["audit"]["Resources"][name]["Properties"]
    assert "ObjectLockEnabled" not in bucket and "ObjectLockConfiguration" not in bucket


def test_only_our_trail_writes_and_only_under_our_account(assembly: Assembly) -> None:
    for policy in of(assembly, "AWS::S3::BucketPolicy"):
        allowed = [s for s in statements(policy["PolicyDocument"]) if s["Effect"] == "Allow"]
        assert len(allowed) == 2
        for statement in allowed:
            condition = statement["Condition"]["StringEquals"]
            assert condition.get("aws:SourceArn", "").endswith("trail/mlops-prod") or (
                condition.get("aws:SourceAccount") == "333333333333"
            )
            if "s3:PutObject" in statement["Action"]:
                assert condition["s3:x-amz-acl"] == "bucket-owner-full-control"
                assert "AWSLogs/333333333333" in json.dumps(statement["Resource"])


def test_the_evidence_key_is_open_to_that_trail_only(assembly: Assembly) -> None:
    foundation = assembly.templates["prod"]["foundation"]["Resources"]
    (key,) = [r for name, r in foundation.items() if name.startswith("KeysEvidence") and r["Type"] == "AWS::KMS::Key"]
    sids = {s.get("Sid"): s for s in statements(key["Properties"]["KeyPolicy"])}
    encrypts = sids["TrailEncrypts"]
    assert encrypts["Condition"]["StringEquals"]["aws:SourceArn"].endswith(":333333333333:trail/mlops-prod")
    assert "kms:EncryptionContext:aws:cloudtrail:arn" in encrypts["Condition"]["StringLike"]
    assert sids["ConfigDelivers"]["Condition"] == {"StringEquals": {"aws:SourceAccount": "333333333333"}}


def test_nothing_but_the_audited_environments_has_these_statements(assembly: Assembly) -> None:
    local = json.dumps(assembly.templates["local"]["foundation"])
    assert "cloudtrail.amazonaws.com" not in local and "macie" not in json.dumps(assembly.templates["local"]).replace(
        "AWSServiceRoleForAmazonMacie", ""
    ).replace("macie.amazonaws.com", "")
    assert "audit" not in assembly.templates["local"]


def test_the_pack_holds_the_rules_that_apply_with_their_parameters(assembly: Assembly) -> None:
    for environment, guarded in (("prod", True), ("dev", False)):
        (pack,) = of(assembly, "AWS::Config::ConformancePack", environment)
        body = pack["TemplateBody"]
        text = "".join(part if isinstance(part, str) else "BUCKET" for part in body["Fn::Join"][1])
        assert len(text) < 51_200, "AWS Config takes no longer template"
        rules = [each["Properties"] for each in json.loads(text)["Resources"].values()]
        names = {rule["ConfigRuleName"] for rule in rules}
        assert ("ML-8-sagemaker-endpoint-config-prod-instance-count" in names) is guarded
        assert ("AUD-1-macie-status-check" in names) is (environment == "prod")
        by_name = {rule["ConfigRuleName"]: rule for rule in rules}
        days = {"prod": "400", "dev": "30"}[environment]
        assert by_name["LOG-1-cw-loggroup-retention-period-check"]["InputParameters"] == {"MinRetentionTime": days}
        watched = by_name["LOG-2-cloudtrail-s3-dataevents-enabled"]["InputParameters"]["S3BucketNames"]
        assert watched.split(",") == ["BUCKET"] * 6


def test_every_rule_begins_with_a_control_that_exists() -> None:
    for rule in RULES:
        assert rule.control in CONTROLS, rule.name
        assert rule.name.startswith(f"{rule.control}-")
        properties = pack_template([rule], {"log_days": "1", "lake_buckets": "b"})["Resources"]
        (entry,) = properties.values()
        assert entry["Properties"]["Description"].startswith(f"{rule.control}: ")
        assert len(rule.name) <= 90, "a pack adds its own name and an id, 128 characters in all"
        assert rule.identifier.isupper() != bool(rule.policy), rule.name
        assert not rule.policy or rule.types, "a rule of our own must say what it looks at"


def test_rules_have_names_of_their_own_and_fit_one_pack() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) <= PACK_RULES


def test_managed_rules_exist() -> None:
    names = vars(config.ManagedRuleIdentifiers)
    known = {getattr(config.ManagedRuleIdentifiers, name) for name in names if name.isupper()}
    ours = {rule.identifier for rule in RULES if not rule.policy}
    assert ours - known <= READ_IN_DOCUMENTATION
    assert ours >= READ_IN_DOCUMENTATION, "remove what is no longer used"


def test_the_catalogue_shows_exactly_the_rules_of_the_pack(root: Path) -> None:
    file = root / "constructs" / "mlops_constructs" / "compliance" / "data" / "detective.json"
    assert json.loads(file.read_text()) == by_control()


GOOD = {
    "role-boundary": {"path": "/mlops/prod/", "permissionsBoundary": {"permissionsBoundaryArn": "arn"}},
    "queue-customer-key": {"KmsMasterKeyId": "arn:aws:kms:us-east-1:1:key/2"},
    "workflow-logging": {"LoggingConfiguration": {"Level": "ALL"}},
    "endpoint-capture": {
        "DataCaptureConfig": {"EnableCapture": True, "InitialSamplingPercentage": 100, "KmsKeyId": "key"}
    },
    "monitoring-schedule-active": {"MonitoringScheduleStatus": "Scheduled"},
    "model-image-pinned": {"PrimaryContainer": {"Image": f"1.dkr.ecr/x@sha256:{'a' * 64}"}},
}
BAD = {
    "role-boundary": [{"path": "/mlops/prod/"}],
    "queue-customer-key": [{}, {"KmsMasterKeyId": ""}, {"KmsMasterKeyId": "alias/aws/sqs"}],
    "workflow-logging": [{}, {"LoggingConfiguration": {"Level": "ERROR"}}],
    "endpoint-capture": [
        {},
        {"DataCaptureConfig": {"EnableCapture": False, "InitialSamplingPercentage": 100, "KmsKeyId": "key"}},
        {"DataCaptureConfig": {"EnableCapture": True, "InitialSamplingPercentage": 10, "KmsKeyId": "key"}},
        {"DataCaptureConfig": {"EnableCapture": True, "InitialSamplingPercentage": 100}},
    ],
    "monitoring-schedule-active": [{"MonitoringScheduleStatus": "Stopped"}],
    "model-image-pinned": [
        {"PrimaryContainer": {"Image": "1.dkr.ecr/x:latest"}},
        {"Containers": [{"Image": f"x@sha256:{'a' * 64}"}, {"Image": "x:1"}]},
    ],
}


def judged(rule: ConfigRule, configuration: object) -> str:
    item = json.dumps({"resourceType": rule.types[0], "configuration": configuration})
    answer = guardpycfn.validate_with_guard(item, rule.policy.strip())
    assert answer["success"], f"{rule.name}: {answer.get('error')}"
    return str(answer["result"]["status"])


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.policy], ids=lambda rule: rule.identifier)
def test_our_own_rules_pass_what_is_right_and_find_what_is_not(rule: ConfigRule) -> None:
    assert judged(rule, GOOD[rule.identifier]) == "PASS"
    assert [judged(rule, bad) for bad in BAD[rule.identifier]] == ["FAIL"] * len(BAD[rule.identifier])


def test_a_role_of_somebody_else_needs_no_boundary_of_ours() -> None:
    (rule,) = [rule for rule in RULES if rule.identifier == "role-boundary"]
    assert judged(rule, {"path": "/"}) == "SKIP"


def test_a_rule_is_left_out_where_aws_does_not_offer_it() -> None:
    rule = ConfigRule(control="ML-1", identifier="X", why="x", except_regions=frozenset({"eu-central-2"}))
    assert rule.applies(region="eu-west-1", parts=(), guarded=False)
    assert not rule.applies(region="eu-central-2", parts=(), guarded=False)
    few = [r.name for r in RULES if r.applies(region="eu-central-2", parts=PARTS, guarded=True)]
    many = [r.name for r in RULES if r.applies(region="us-east-1", parts=PARTS, guarded=True)]
    assert len(many) == len(RULES) and not any(name.startswith("ML-1-") for name in few)


def test_a_parameter_without_a_value_is_refused() -> None:
    rule = ConfigRule(control="LOG-1", identifier="X", why="x", parameters={"P": "{days}"})
    with pytest.raises(ValueError, match="LOG-1-x: give a value for 'days' in `values`"):
        pack_template([rule], {})


def test_findings_come_through_the_hub_once_and_by_severity(assembly: Assembly) -> None:
    rules = {
        logical_id: resource["Properties"]
        for _, stack, logical_id, resource in assembly.resources("AWS::Events::Rule", environment="prod")
        if stack == "audit" and logical_id.startswith("Findings")
    }
    patterns = {name[:17]: rule["EventPattern"] for name, rule in rules.items()}
    assert len(rules) == 2, "with the hub on, no service is heard twice"
    alert, keep = (
        next(rule for name, rule in rules.items() if name.startswith(f"Findings{label}")) for label in ("Alert", "Keep")
    )
    assert patterns and alert["EventPattern"] == hub_pattern(("CRITICAL", "HIGH"))
    assert keep["EventPattern"]["detail"]["findings"]["Severity"]["Label"][-2:] == ["LOW", "INFORMATIONAL"]
    assert "Alerts" in json.dumps(alert["Targets"][0]["Arn"])
    (group,) = [g for g in of(assembly, "AWS::Logs::LogGroup") if g.get("LogGroupName")]
    assert group["LogGroupName"] == "/aws/events/mlops-prod-findings" and "KmsKeyId" in group


def test_without_the_hub_each_service_is_heard_itself(assembly: Assembly) -> None:
    found = {
        resource["Properties"]["EventPattern"]["source"][0]
        for _, stack, name, resource in assembly.resources("AWS::Events::Rule", environment="dev")
        if stack == "audit" and name.startswith("FindingsAlert")
    }
    assert found == {"aws.access-analyzer"}


def test_severities_become_the_terms_of_each_service() -> None:
    (guardduty,) = service_patterns("guardduty", ("CRITICAL", "HIGH"))
    ranges = guardduty["detail"]["severity"]
    assert ranges == [{"numeric": [">=", 9.0, "<", 10.1]}, {"numeric": [">=", 7.0, "<", 9.0]}]
    (macie,) = service_patterns("macie", ("CRITICAL", "HIGH"))
    assert macie["detail"] == {"severity": {"description": ["High"]}}
    assert service_patterns("trail", ("HIGH",)) == []


def test_every_target_has_the_dead_letter_queue_and_the_queue_lets_only_rules_in(assembly: Assembly) -> None:
    for rule in of(assembly, "AWS::Events::Rule"):
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("DeadLetters")
    (policy,) = of(assembly, "AWS::SQS::QueuePolicy")
    (allowed,) = [s for s in statements(policy["PolicyDocument"]) if s["Effect"] == "Allow"]
    assert allowed["Condition"] == {"ArnLike": {"aws:SourceArn": "arn:aws:events:us-east-1:333333333333:rule/*"}} or (
        "rule/*" in json.dumps(allowed["Condition"])
    )


def test_what_only_us_east_1_sees_is_said_elsewhere(app: cdk.App) -> None:
    watch = app.node.find_child("Elsewhere").node.find_child("Watch")
    assert isinstance(watch, AccountWatch)
    assert watch.unseen == ("RootUse", "IdentityChange")
    assert set(watch.rules) == {each.id for each in WATCHES} - set(watch.unseen)


def test_watched_calls_are_those_that_succeeded(assembly: Assembly) -> None:
    for watch in WATCHES:
        detail = watch.pattern["detail"]
        assert watch.control in CONTROLS
        assert detail.get("errorCode") == [{"exists": False}] or watch.id == "RootUse"
    descriptions = [r["Description"] for r in of(assembly, "AWS::Events::Rule") if "Description" in r]
    assert len(descriptions) == len(WATCHES)


def test_guardduty_turns_off_what_nobody_asked_for(assembly: Assembly) -> None:
    (detector,) = of(assembly, "AWS::GuardDuty::Detector")
    status = {feature["Name"]: feature["Status"] for feature in detector["Features"]}
    assert set(status) == set(FEATURES)
    assert {name for name, each in status.items() if each == "ENABLED"} == {"S3_DATA_EVENTS", "LAMBDA_NETWORK_LOGS"}
    (agents,) = [each["AdditionalConfiguration"] for each in detector["Features"] if "AdditionalConfiguration" in each]
    assert {each["Name"]: each["Status"] for each in agents} == dict.fromkeys(AGENTS, "DISABLED")


def test_the_function_for_account_settings_may_do_just_that(assembly: Assembly) -> None:
    (policy,) = of(assembly, "AWS::IAM::Policy")
    allowed = {
        action
        for s in statements(policy["PolicyDocument"])
        for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    }
    account = {action for action in allowed if action.split(":")[0] not in ("logs", "kms", "xray")}
    assert account == {
        "iam:CreateServiceLinkedRole",
        "inspector2:Disable",
        "inspector2:Enable",
        "macie2:CreateClassificationJob",
        "macie2:ListClassificationJobs",
        "macie2:UpdateClassificationJob",
    }
    (role,) = of(assembly, "AWS::IAM::Role")
    assert role["PermissionsBoundary"]["Ref"].startswith("SettingsBoundary")
    (boundary,) = of(assembly, "AWS::IAM::ManagedPolicy")
    bounded = {a for s in statements(boundary["PolicyDocument"]) for a in s["Action"]}
    assert allowed <= bounded, "a permission that the boundary takes away does nothing"


def test_macie_decrypts_with_the_keys_of_the_lake_and_nobody_else_by_that(assembly: Assembly) -> None:
    foundation = assembly.templates["prod"]["foundation"]["Resources"]
    found = [
        statement
        for resource in foundation.values()
        if resource["Type"] == "AWS::KMS::Key"
        for statement in statements(resource["Properties"]["KeyPolicy"])
        if statement.get("Sid") == "MacieDecrypts"
    ]
    assert len(found) == 2
    for statement in found:
        assert statement["Action"] == "kms:Decrypt"
        assert statement["Condition"]["StringEquals"] == {"kms:CallerAccount": "333333333333"}
        assert json.dumps(statement["Condition"]["ArnEquals"]).endswith('AWSServiceRoleForAmazonMacie"}')


@pytest.fixture(scope="module")
def app() -> cdk.App:
    """A stack in another region; nothing is synthesized."""
    app = cdk.App()
    stack = cdk.Stack(app, "Elsewhere", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    key = kms.Key(stack, "Key")
    topic = AlertTopic(stack, "Topic", encryption_key=key)
    queue = DeadLetterQueue(stack, "Queue", encryption_key=key)
    AccountWatch(stack, "Watch", topic=topic, dead_letter_queue=queue)
    return app


def test_settings_that_cannot_work_are_refused(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Refused", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    key, logs = kms.Key(stack, "Key"), s3.Bucket(stack, "Logs")
    with pytest.raises(ValueError, match="keep_days must be at least 30, the days of the lock; got 7"):
        Trail(
            stack,
            "Trail",
            name="t",
            encryption_key=key,
            access_log_bucket=logs,
            object_lock=ObjectLock(days=30),
            keep_days=7,
        )
    with pytest.raises(ValueError, match="standards: got none"):
        SecurityHub(stack, "Hub", standards=())
    with pytest.raises(ValueError, match="unused_after_days: got 400"):
        AccessAnalyzers(stack, "Analyzers", unused_after_days=400)
    recorder = ConfigRecorder(stack, "Recorder", encryption_key=key, access_log_bucket=logs)
    with pytest.raises(ValueError, match="rules: got 0"):
        ConformancePack(stack, "Pack", name="p", recorder=recorder, rules=())
    settings = AccountSettings(stack, "Settings", encryption_key=key)
    with pytest.raises(ValueError, match="LAMBDA_CODE only with LAMBDA"):
        VulnerabilityScanning(stack, "Scanning", settings=settings, scans=("LAMBDA_CODE",))
    with pytest.raises(ValueError, match="give a bucket"):
        SensitiveData(stack, "Data", settings=settings, job_name="j", buckets=())
