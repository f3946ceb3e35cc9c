"""States as data, and what every workflow, function and bus is made of. One synthesis for all tests."""

import json
import os

import pytest

os.environ["CDK_VALIDATION"] = "false"

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns

from mlops_constructs.governance.keys import Keys
from mlops_constructs.governance.network import Network
from mlops_constructs.orchestration import PlatformBus, PlatformFunction, Workflow
from mlops_constructs.orchestration import states as asl
from mlops_constructs.orchestration.bus import connect, event_schemas
from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.orchestration.function import code_root
from mlops_constructs.orchestration.layers import powertools_layer_arn
from mlops_constructs.orchestration.parameters import LiveParameter, ParameterMaker

ENVIRONMENT = cdk.Environment(account="111111111111", region="eu-west-1")
FUNCTION = Callee(arn="arn:aws:lambda:eu-west-1:111111111111:function:f", timeout_seconds=90)
STATES = {
    "Do": asl.invoke(FUNCTION, {}, next="Done", catch_next="Bad"),
    "Done": asl.succeed(),
    "Bad": asl.fail("Bad", "{% $failure.cause %}"),
}


@pytest.fixture(scope="module")
def template():
    app = cdk.App()
    stack = cdk.Stack(app, "Stack", env=ENVIRONMENT)
    keys = Keys(stack, "Keys")
    network = Network.from_ids(
        stack,
        "Network",
        vpc_id="vpc-11111111",
        availability_zones=["eu-west-1a"],
        subnet_ids=["subnet-11111111"],
        job_security_group_id="sg-11111111",
    )
    workflow = Workflow(
        stack, "Work", states=STATES, start_at="Do", encryption_key=keys.data, alarm_topic=sns.Topic(stack, "Topic")
    )
    emitter = PlatformFunction(
        stack,
        "Emitter",
        folder="event_emitter",
        environment={"WORKLOAD": "w"},
        encryption_key=keys.data,
        log_key=keys.logs,
        network=network,
    )
    workflow.allow_invoke(emitter.function)
    bus = PlatformBus(stack, "Bus", name="mlops-test", encryption_key=keys.data, schemas=event_schemas())
    bus.rule(stack, "Drift", detail_types=["Drift Detected"], target=emitter, detail={"workload": ["w"]})
    approved = events.EventPattern(source=["aws.sagemaker"])
    connect(stack, "Approved", pattern=approved, target=workflow, encryption_key=keys.data)
    return assertions.Template.from_stack(stack)


def only(template, kind):
    (resource,) = template.find_resources(kind).values()
    return resource["Properties"]


def statements(template, action):
    policies = template.find_resources("AWS::IAM::Policy").values()
    found = [s for p in policies for s in p["Properties"]["PolicyDocument"]["Statement"]]
    return [s for s in found if action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])]


def test_a_task_has_timeout_retry_and_catch():
    state = STATES["Do"]
    assert state["TimeoutSeconds"] > 0
    assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    assert state["Catch"][-1]["Next"] == "Bad"
    assert "States.ALL" not in json.dumps(state["Retry"])


def test_a_task_waits_longer_than_its_function_may_run():
    assert STATES["Do"]["TimeoutSeconds"] > FUNCTION.timeout_seconds


def test_a_timeout_below_one_second_is_refused():
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        asl.task("arn:aws:states:::x", {}, next="A", timeout_seconds=0, retry=(), catch_next="B")


@pytest.mark.parametrize(
    "states",
    [
        {"A": asl.pass_(next="Nowhere")},
        {"A": asl.choice([("{% true %}", "Nowhere")], default="A")},
        {"A": asl.parallel([asl.branch("B", {"B": asl.pass_(next="Nowhere")})], next="A", catch_next="A")},
        {"A": asl.invoke(FUNCTION, {}, next="A", catch_next="Nowhere")},
    ],
)
def test_a_transition_into_nowhere_is_refused(states):
    with pytest.raises(ValueError, match="no state is named Nowhere"):
        asl.definition("A", states, comment="test")


def mapping(first: str, max_concurrency: int = 2) -> asl.State:
    one = asl.branch(first, {"One": asl.succeed()})
    return asl.map_("{% $items %}", one, max_concurrency=max_concurrency, next="End", catch_next="End")


def test_a_transition_inside_a_map_must_lead_somewhere():
    states = {"Each": mapping("Nowhere"), "End": asl.succeed()}
    with pytest.raises(ValueError, match="no state is named Nowhere"):
        asl.definition("Each", states, comment="test")
    assert asl.definition("Each", {"Each": mapping("One"), "End": asl.succeed()}, comment="test")


def test_a_map_is_bounded_because_zero_would_mean_no_limit():
    with pytest.raises(ValueError, match="at least 1"):
        mapping("One", max_concurrency=0)


def test_expected_errors_are_caught_before_all_others():
    expected = asl.catch("SageMaker.ValidationException", next="Create")
    state = asl.task(
        "arn:aws:states:::x", {}, next="A", timeout_seconds=1, retry=(), catch_next="B", catch_first=[expected]
    )
    assert [rule["Next"] for rule in state["Catch"]] == ["Create", "B"]
    assert "Retry" not in state


def test_every_event_carries_the_common_fields():
    state = asl.emit(
        FUNCTION,
        source="s",
        detail_type="D",
        workload="w",
        environment_name="e",
        detail={"x": 1},
        next="A",
        catch_next="B",
    )
    detail = state["Arguments"]["Payload"]["detail"]
    assert set(detail) == {"schema_version", "workload", "environment", "execution", "occurred_at", "x"}


def test_the_workflow_is_encrypted_traced_and_logs_everything(template):
    machine = only(template, "AWS::StepFunctions::StateMachine")
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"
    assert machine["EncryptionConfiguration"]["KmsDataKeyReusePeriodSeconds"] == 300
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is True


def test_every_log_group_is_encrypted_and_forgets(template):
    for group in template.find_resources("AWS::Logs::LogGroup").values():
        assert "KmsKeyId" in group["Properties"]
        assert group["Properties"]["RetentionInDays"] == 365


def test_one_failed_execution_alarms_the_topic(template):
    (alarm,) = [a for a in alarms(template) if a["MetricName"] == "ExecutionsFailed"]
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], len(alarm["AlarmActions"])) == (1, 1, 1)
    assert "docs/runbooks/work-failed.md" in alarm["AlarmDescription"]


def test_one_undelivered_event_alarms(template):
    queues = [a for a in alarms(template) if a["MetricName"] == "ApproximateNumberOfMessagesVisible"]
    assert [a["Threshold"] for a in queues] == [1, 1, 1]
    assert sum("AlarmActions" in a for a in queues) == 1  # of the rule whose workflow has a topic


def alarms(template):
    return [alarm["Properties"] for alarm in template.find_resources("AWS::CloudWatch::Alarm").values()]


def test_the_workflow_may_call_only_its_function(template):
    (statement,) = statements(template, "lambda:InvokeFunction")
    function = next(iter(template.find_resources("AWS::Lambda::Function")))
    assert statement["Resource"] == {"Fn::GetAtt": [function, "Arn"]}


def test_the_function_is_encrypted_traced_and_in_the_private_subnets(template):
    function = only(template, "AWS::Lambda::Function")
    assert function["Handler"] == "event_emitter.handler.handler"
    assert "KmsKeyArn" in function
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["VpcConfig"] == {"SecurityGroupIds": ["sg-11111111"], "SubnetIds": ["subnet-11111111"]}
    assert function["Layers"] == [powertools_layer_arn("eu-west-1")]


def test_code_inside_a_function_cannot_use_the_network_permissions(template):
    deny = [s for s in statements(template, "ec2:CreateNetworkInterface") if s["Effect"] == "Deny"]
    functions = "arn:aws:lambda:eu-west-1:111111111111:function:*"
    assert deny[0]["Condition"] in (
        {"ArnLike": {"lambda:SourceFunctionArn": functions}},
        {
            "ArnLike": {
                "lambda:SourceFunctionArn": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, functions[7:]]]}
            }
        },
    )


def test_an_unknown_folder_is_refused_with_the_list_of_folders():
    stack = cdk.Stack(cdk.App(), "S", env=ENVIRONMENT)
    key = Keys(stack, "Keys").data
    with pytest.raises(ValueError, match=r"no function 'nope'.*event_emitter"):
        PlatformFunction(stack, "F", folder="nope", environment={}, encryption_key=key)
    with pytest.raises(ValueError, match="Lambda takes 4096"):
        PlatformFunction(stack, "G", folder="event_emitter", environment={"A": "x" * 5000}, encryption_key=key)


def test_every_rule_retries_and_keeps_what_it_cannot_deliver(template):
    rules = template.find_resources("AWS::Events::Rule")
    assert len(rules) == 2
    for rule in rules.values():
        (target,) = rule["Properties"]["Targets"]
        assert "Arn" in target["DeadLetterConfig"]
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 21600, "MaximumRetryAttempts": 24}


def test_no_id_holds_the_path_above_the_stack(template):
    assert not [name for name in template.to_json()["Resources"] if "Stack" in name or "AllowEventRule" in name]


def test_each_queue_takes_dead_letters_of_its_own_rule_only(template):
    policies = template.find_resources("AWS::SQS::QueuePolicy").values()
    senders = [s for p in policies for s in p["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert len(senders) == 3
    assert all("aws:SourceArn" in json.dumps(s["Condition"]) for s in senders)


def test_every_queue_is_encrypted_and_takes_tls_only(template):
    queues = template.find_resources("AWS::SQS::Queue")
    assert len(queues) == 3
    assert all("KmsMasterKeyId" in queue["Properties"] for queue in queues.values())
    policies = template.find_resources("AWS::SQS::QueuePolicy").values()
    secure = [s for p in policies for s in p["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert [s["Condition"] for s in secure] == [{"Bool": {"aws:SecureTransport": "false"}}] * 3


def test_the_bus_can_replay_and_publishes_every_event_schema(template):
    assert only(template, "AWS::Events::EventBus")["Name"] == "mlops-test"
    assert "KmsKeyIdentifier" in only(template, "AWS::Events::EventBus")
    assert only(template, "AWS::Events::Archive")["RetentionDays"] == 90
    schemas = template.find_resources("AWS::EventSchemas::Schema").values()
    names = {schema["Properties"]["SchemaName"] for schema in schemas}
    assert names == set(json.loads((code_root() / "mlops_runtime/schemas.json").read_text()))


def test_eventbridge_may_start_only_this_workflow(template):
    (statement,) = statements(template, "states:StartExecution")
    machine = next(iter(template.find_resources("AWS::StepFunctions::StateMachine")))
    assert statement["Resource"] == {"Ref": machine}


def test_a_live_parameter_is_named_by_a_path():
    stack = cdk.Stack(cdk.App(), "Stack", env=ENVIRONMENT)
    maker = ParameterMaker(stack, "Maker", encryption_key=Keys(stack, "Keys").data)
    with pytest.raises(ValueError, match=r"name must be a path like .*, got 'switch'"):
        LiveParameter(stack, "Switch", maker=maker, name="switch", first_value="off", description="d")
