"""Types are created, changed, replaced and deleted; what the local AWS doesn't know fails by name."""

from __future__ import annotations

import json
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from tests.local import core

pytestmark = pytest.mark.local


def test_an_unknown_type_fails_by_name_and_makes_nothing(aws: LocalAws) -> None:
    made = core.template({"Q": {"Type": "AWS::SQS::Queue"}, "X": {"Type": "AWS::Imaginary::Thing"}})
    with pytest.raises(ClientError, match="AWS::Imaginary::Thing"):
        aws.client("cloudformation").create_stack(StackName="cfn-unknown", TemplateBody=json.dumps(made))


def test_a_stack_operation_is_answered_when_it_is_done(aws: LocalAws) -> None:
    client = aws.client("cloudformation")
    body = json.dumps(core.template({"Key": core.key(), "B": core.bucket()}))
    client.create_change_set(StackName="cfn-done", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body)
    client.execute_change_set(StackName="cfn-done", ChangeSetName="first")
    stack = client.describe_stacks(StackName="cfn-done")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    client.delete_stack(StackName="cfn-done")
    assert client.describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"


def test_a_property_nothing_would_apply_fails_by_name(aws: LocalAws) -> None:
    made = {"B": {"Type": "AWS::S3::Bucket", "Properties": {"AccelerateConfiguration": {}}}}
    with pytest.raises(AssertionError, match="AccelerateConfiguration"):
        core.change(aws, "create", "cfn-property", core.template(made))
    misspelt = {"A": {"Type": "AWS::Events::Archive", "Properties": {"SourceArn": "x", "RetentionDay": 1}}}
    with pytest.raises(AssertionError, match="RetentionDay"):
        core.change(aws, "create", "cfn-member", core.template(misspelt))


@pytest.mark.parametrize(
    ("kind", "properties", "named"),
    [
        ("AWS::SQS::Queue", {"VisibilityTimeoutt": 60}, "VisibilityTimeoutt"),
        ("AWS::Logs::LogGroup", {"RetentionInDay": 7}, "RetentionInDay"),
        ("AWS::Events::Rule", {"EventPatern": {"source": ["x"]}}, "EventPatern"),
        ("AWS::SageMaker::ModelPackageGroup", {"ModelPackageGroupName": "x", "ModelPackageGroupPolicy": {}}, "Policy"),
        ("AWS::EC2::SecurityGroupIngress", {"GroupName": "x", "IpProtocol": "-1"}, "GroupName"),
        ("AWS::Scheduler::Schedule", {"ScheduleExpresion": "rate(1 day)"}, "ScheduleExpresion"),
        ("AWS::Glue::Database", {"CatalogId": "123456789012", "DatabaseInput": {"Name": "x"}}, "CatalogId"),
    ],
)
def test_no_type_takes_a_property_it_would_drop(
    aws: LocalAws, kind: str, properties: dict[str, Any], named: str
) -> None:
    stack = f"cfn-drops-{kind.replace('::', '-')}"
    with pytest.raises(AssertionError, match=named):
        core.change(aws, "create", stack, core.template({"X": {"Type": kind, "Properties": properties}}))


def test_a_property_that_would_be_dropped_fails_an_update_too(aws: LocalAws) -> None:
    def made(**properties: Any) -> core.Template:
        return core.template({"Q": {"Type": "AWS::SQS::Queue", "Properties": properties}})

    core.change(aws, "create", "cfn-drop-update", made(VisibilityTimeout=60))
    with pytest.raises(AssertionError, match="DelaySecond of AWS::SQS::Queue"):
        core.change(aws, "update", "cfn-drop-update", made(VisibilityTimeout=60, DelaySecond=3))
    core.destroy(aws, "cfn-drop-update")


def test_a_bucket_keeps_its_encryption_and_lifecycle_through_an_update(aws: LocalAws) -> None:
    def made(days: int) -> core.Template:
        rule = {"Id": "Old", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": days}}
        tags = [{"Key": "days", "Value": str(days)}]
        return {"Key": core.key(), "B": core.bucket(LifecycleConfiguration={"Rules": [rule]}, Tags=tags)}

    s3 = aws.client("s3")
    outputs = core.change(aws, "create", "cfn-bucket", core.template(made(30)))
    assert core.change(aws, "update", "cfn-bucket", core.template(made(7))) == outputs
    rules = s3.get_bucket_lifecycle_configuration(Bucket=outputs["B"])["Rules"]
    assert rules[0]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7
    encryption = s3.get_bucket_encryption(Bucket=outputs["B"])["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert outputs["Key"] in encryption["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    core.destroy(aws, "cfn-bucket")
    assert outputs["B"] not in [found["Name"] for found in s3.list_buckets()["Buckets"]]


def test_a_bucket_that_holds_objects_is_not_deleted(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    outputs = core.change(aws, "create", "cfn-full", core.template({"B": {"Type": "AWS::S3::Bucket"}}))
    s3.put_object(Bucket=outputs["B"], Key="x", Body=b"1")
    with pytest.raises(AssertionError, match="BucketNotEmpty"):
        core.destroy(aws, "cfn-full")
    s3.delete_object(Bucket=outputs["B"], Key="x")
    core.destroy(aws, "cfn-full")


def bus(days: int, description: str) -> core.Template:
    content = json.dumps({"openapi": "3.0.0", "info": {"title": description}})
    return {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "cfn-bus"}},
        "Archive": {
            "Type": "AWS::Events::Archive",
            "Properties": {
                "ArchiveName": "cfn-archive",
                "SourceArn": core.get("Bus"),
                "RetentionDays": days,
                "EventPattern": {"source": ["cfn"]},
            },
        },
        "Registry": {"Type": "AWS::EventSchemas::Registry", "Properties": {"Description": description}},
        "Schema": {
            "Type": "AWS::EventSchemas::Schema",
            "Properties": {
                "RegistryName": core.get("Registry", "RegistryName"),
                "Type": "OpenApi3",
                "Content": content,
            },
        },
    }


def test_archive_and_schemas_are_changed_in_place_and_deleted(aws: LocalAws) -> None:
    events, schemas = aws.client("events"), aws.client("schemas")
    before = core.change(aws, "create", "cfn-bus", core.template(bus(1, "first")))
    after = core.change(aws, "update", "cfn-bus", core.template(bus(9, "second")))
    assert after == before
    assert events.describe_archive(ArchiveName="cfn-archive")["RetentionDays"] == 9
    registry = before["Registry"].rpartition("/")[2]
    name = before["Schema"].rpartition("/")[2]
    found = schemas.describe_schema(RegistryName=registry, SchemaName=name)
    assert (found["SchemaVersion"], json.loads(found["Content"])["info"]["title"]) == ("2", "second")
    core.destroy(aws, "cfn-bus")
    assert schemas.list_registries()["Registries"] == []
    with pytest.raises(ClientError, match="ResourceNotFound"):
        events.describe_archive(ArchiveName="cfn-archive")


def test_a_renamed_archive_is_replaced(aws: LocalAws) -> None:
    made = bus(1, "x")
    core.change(aws, "create", "cfn-replace", core.template(made))
    made["Archive"]["Properties"]["ArchiveName"] = "cfn-archive-renamed"
    core.change(aws, "update", "cfn-replace", core.template(made))
    names = [archive["ArchiveName"] for archive in aws.client("events").list_archives()["Archives"]]
    assert names == ["cfn-archive-renamed"]
    core.destroy(aws, "cfn-replace")


def group_with_rules(port: int) -> core.Template:
    def rule(direction: str, other: str) -> core.Template:
        properties: dict[str, Any] = {
            "GroupId": core.get("G", "GroupId"),
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            other: core.get("G", "GroupId"),
        }
        return {"Type": f"AWS::EC2::SecurityGroup{direction}", "Properties": properties}

    return {
        "V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "G": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "g", "VpcId": {"Ref": "V"}}},
        "In": rule("Ingress", "SourceSecurityGroupId"),
        "Out": rule("Egress", "DestinationSecurityGroupId"),
    }


def test_rules_of_a_security_group_are_replaced(aws: LocalAws) -> None:
    def ports(group: str) -> set[int]:
        found = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
        return {entry["FromPort"] for entry in found["IpPermissions"] if "FromPort" in entry}

    outputs = core.change(aws, "create", "cfn-group", core.template(group_with_rules(443)))
    group = outputs["G"]
    assert ports(group) == {443}
    core.change(aws, "update", "cfn-group", core.template(group_with_rules(8443)))
    assert ports(group) == {8443}
    core.destroy(aws, "cfn-group")


def test_properties_the_emulator_drops_reach_the_service(aws: LocalAws) -> None:
    made = {
        "Key": core.key(),
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": core.get("Key")}},
        "Role": core.role("lambda.amazonaws.com", core.allow("sqs:SendMessage", core.get("Dead"))),
        "F": core.function(
            "Role",
            "def handler(event, context): pass",
            DeadLetterConfig={"TargetArn": core.get("Dead")},
            KmsKeyArn=core.get("Key"),
            ReservedConcurrentExecutions=2,
        ),
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": core.get("Key")},
            },
        },
    }
    with core.deployed(aws, "cfn-dropped", made) as outputs:
        topic = aws.client("sns").get_topic_attributes(TopicArn=outputs["Topic"])["Attributes"]
        assert outputs["Key"] in topic["KmsMasterKeyId"]
        function = aws.client("lambda").get_function_configuration(FunctionName=outputs["F"])
        assert outputs["Key"] in function["KMSKeyArn"]
        assert function["DeadLetterConfig"]["TargetArn"].startswith("arn:aws:sqs:")
        concurrency = aws.client("lambda").get_function_concurrency(FunctionName=outputs["F"])
        assert concurrency["ReservedConcurrentExecutions"] == 2
        table = aws.client("dynamodb").describe_table(TableName=outputs["Table"])["Table"]
        assert outputs["Key"] in table["SSEDescription"]["KMSMasterKeyArn"]
        backups = aws.client("dynamodb").describe_continuous_backups(TableName=outputs["Table"])
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_table_expires_items_until_the_template_says_so_no_more(aws: LocalAws) -> None:
    def made(**properties: Any) -> core.Template:
        table = {
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        return core.template({"T": {"Type": "AWS::DynamoDB::Table", "Properties": {**table, **properties}}})

    dynamodb = aws.client("dynamodb")
    expiry = {"AttributeName": "until", "Enabled": True}
    name = core.change(aws, "create", "cfn-expiry", made(TimeToLiveSpecification=expiry))["T"]
    found = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert found == {"AttributeName": "until", "TimeToLiveStatus": "ENABLED"}
    core.change(aws, "update", "cfn-expiry", made())
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    core.destroy(aws, "cfn-expiry")


def test_an_endpoint_of_a_network_is_described_as_the_template_made_it(aws: LocalAws) -> None:
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [allow]}
    made = {
        "V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.8.0.0/16"}},
        "G": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "g", "VpcId": {"Ref": "V"}}},
        "E": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcId": {"Ref": "V"},
                "ServiceName": "com.amazonaws.us-east-1.logs",
                "VpcEndpointType": "Interface",
                "PrivateDnsEnabled": True,
                "PolicyDocument": document,
                "SecurityGroupIds": [core.get("G", "GroupId")],
            },
        },
    }
    with core.deployed(aws, "cfn-endpoint", made) as outputs:
        found = aws.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[outputs["E"]])["VpcEndpoints"][0]
        assert (found["PrivateDnsEnabled"], json.loads(found["PolicyDocument"])) == (True, document)
        assert [group["GroupId"] for group in found["Groups"]] == [outputs["G"]]


def test_a_state_machine_is_described_with_its_logging_and_tracing(aws: LocalAws) -> None:
    def made(**properties: Any) -> core.Template:
        machine = core.machine("Role", {"Only": {"Type": "Pass", "End": True}})
        machine["Properties"].update(properties)
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "cfn-machine"}}
        resources = {"Role": core.role("states.amazonaws.com"), "Group": group, "M": machine}
        return core.template(resources, {"M": {"Ref": "M"}, "Group": core.get("Group")})

    states = aws.client("stepfunctions")
    logging = {
        "Level": "ERROR",
        "IncludeExecutionData": True,
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": core.get("Group")}}],
    }
    outputs = core.change(
        aws, "create", "cfn-machine", made(LoggingConfiguration=logging, TracingConfiguration={"Enabled": True})
    )
    found = states.describe_state_machine(stateMachineArn=outputs["M"])
    assert found["tracingConfiguration"] == {"enabled": True}
    assert found["loggingConfiguration"] == {
        "level": "ERROR",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": outputs["Group"]}}],
    }
    core.change(aws, "update", "cfn-machine", made())
    found = states.describe_state_machine(stateMachineArn=outputs["M"])
    assert (found["loggingConfiguration"]["level"], found["tracingConfiguration"]) == ("OFF", {"enabled": False})
    core.destroy(aws, "cfn-machine")


def test_what_a_template_leaves_out_again_is_cleared(aws: LocalAws) -> None:
    def made(**optional: str) -> core.Template:
        target = {"Arn": core.get("Q"), "RoleArn": core.get("Role")}
        schedule = {
            "Name": "cfn-cleared",
            "GroupName": {"Ref": "Group"},
            "ScheduleExpression": "rate(1 day)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
            "KmsKeyArn": core.get("Key"),
            **optional,
        }
        dead = {"DeadLetterConfig": {"Arn": core.get("Q")}} if optional else {}
        return {
            "Key": core.key(),
            "Role": core.role("scheduler.amazonaws.com"),
            "Q": {"Type": "AWS::SQS::Queue"},
            "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "cfn-cleared"}},
            "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule},
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "cfn-cleared", **dead, **optional}},
        }

    scheduler, events = aws.client("scheduler"), aws.client("events")
    outputs = core.change(aws, "create", "cfn-cleared", core.template(made(Description="first")))
    schedule = scheduler.get_schedule(Name="cfn-cleared", GroupName="cfn-cleared")
    assert (schedule["Description"], schedule["KmsKeyArn"].rpartition("/")[2]) == ("first", outputs["Key"])
    assert events.describe_event_bus(Name="cfn-cleared")["Description"] == "first"
    core.change(aws, "update", "cfn-cleared", core.template(made()))
    assert not scheduler.get_schedule(Name="cfn-cleared", GroupName="cfn-cleared").get("Description")
    bus = events.describe_event_bus(Name="cfn-cleared")
    assert not bus.get("Description")
    assert not bus.get("DeadLetterConfig")
    core.destroy(aws, "cfn-cleared")
    assert not [one for one in scheduler.list_schedules()["Schedules"] if one["Name"] == "cfn-cleared"]


def test_a_dashboard_has_the_tags_of_the_template(aws: LocalAws) -> None:
    def made(**tags: str) -> core.Template:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        properties = {"DashboardName": "cfn-board", "DashboardBody": "{}", "Tags": listed}
        return core.template({"D": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}})

    def found() -> dict[str, str]:
        answer = aws.client("cloudwatch").list_tags_for_resource(
            ResourceARN="arn:aws:cloudwatch::000000000000:dashboard/cfn-board"
        )
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

    core.change(aws, "create", "cfn-board", made(owner="a", stage="x"))
    assert found() == {"owner": "a", "stage": "x"}
    core.change(aws, "update", "cfn-board", made(owner="b"))
    assert found() == {"owner": "b"}
    core.destroy(aws, "cfn-board")


def test_a_function_takes_its_process_and_its_folder_along(aws: LocalAws) -> None:
    code = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    made = {"Role": core.role("lambda.amazonaws.com"), "F": core.function("Role", code)}
    with core.deployed(aws, "cfn-worker", made) as outputs:
        answer = aws.client("lambda").invoke(FunctionName=outputs["F"])
        pid = json.loads(answer["Payload"].read())
        folders = list((aws.home / "tmp").glob(f"ministack-lambda-{outputs['F']}-*"))
        assert psutil.pid_exists(pid)
        assert folders
    core.wait_for("the end of the process", lambda: not psutil.pid_exists(pid))
    core.wait_for("the end of the folder", lambda: not any(folder.exists() for folder in folders))


CUSTOM = """
import json, urllib.request

def handler(event, context):
    status = "FAILED" if event["ResourceProperties"].get("fail") == "true" else "SUCCESS"
    answer = {
        "Status": status,
        "Reason": "asked to",
        "PhysicalResourceId": "custom-1",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"said": event["RequestType"]},
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request)
"""


def test_a_custom_resource_answers_and_its_failure_is_the_stacks(aws: LocalAws) -> None:
    def made(**properties: Any) -> core.Template:
        resources = {
            "Role": core.role("lambda.amazonaws.com"),
            "F": core.function("Role", CUSTOM),
            "C": {"Type": "Custom::Thing", "Properties": {"ServiceToken": core.get("F"), **properties}},
        }
        return core.template(resources, {"Said": core.get("C", "said")})

    assert core.change(aws, "create", "cfn-custom", made())["Said"] == "Create"
    assert core.change(aws, "update", "cfn-custom", made(size=2))["Said"] == "Update"
    core.destroy(aws, "cfn-custom")
    with pytest.raises(AssertionError, match="asked to"):
        core.change(aws, "create", "cfn-custom-failing", made(fail=True))


def test_a_custom_resource_whose_function_breaks_fails_at_once(aws: LocalAws) -> None:
    resources = {
        "Role": core.role("lambda.amazonaws.com"),
        "F": core.function("Role", "def handler(event, context):\n    raise KeyError('broken')\n"),
        "C": {"Type": "Custom::Thing", "Properties": {"ServiceToken": core.get("F")}},
    }
    with pytest.raises(AssertionError, match="KeyError"):
        core.change(aws, "create", "cfn-custom-broken", core.template(resources))


def test_resolver_query_logging_is_created_replaced_and_removed(aws: LocalAws) -> None:
    kind = "AWS::Route53Resolver::ResolverQueryLoggingConfig"

    def made(group: str) -> core.Template:
        return {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
            "First": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
            "Second": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
            "Config": {"Type": kind, "Properties": {"DestinationArn": core.get(group)}},
            "Use": {
                "Type": f"{kind}Association",
                "Properties": {"ResolverQueryLogConfigId": {"Ref": "Config"}, "ResourceId": {"Ref": "Vpc"}},
            },
        }

    with core.deployed(aws, "resolver-logs", made("First")) as before:
        assert before["Config"].startswith("rslvr-qlc-")
        after = core.change(aws, "update", "resolver-logs", core.template(made("Second")))
        assert after["Config"] != before["Config"]
        assert after["Use"] != before["Use"]


def test_query_logging_into_nothing_is_refused(aws: LocalAws) -> None:
    nowhere = "arn:aws:logs:us-east-1:000000000000:log-group:nowhere:*"
    config = {"Type": "AWS::Route53Resolver::ResolverQueryLoggingConfig", "Properties": {"DestinationArn": nowhere}}
    with pytest.raises(AssertionError, match="is not the ARN of a log group"):
        core.change(aws, "create", "resolver-nowhere", core.template({"Config": config}))
    core.destroy(aws, "resolver-nowhere")
