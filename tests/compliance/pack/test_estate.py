"""Resources of a whole environment: references followed, templates of any writing read, bad input refused."""

import json
from pathlib import Path

import pytest

from mlops_constructs.compliance.estate import Estate, Resource, TemplateError, Unknown, from_templates, load
from tests.assembly import Assembly

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"Tags": [{"Key": "team", "Value": "ml"}]}}


def only(estate: Estate, kind: str) -> Resource:
    (resource,) = estate.of(kind)
    return resource


@pytest.fixture
def two_stacks() -> Estate:
    shared = {
        "Resources": {"Key": {"Type": "AWS::KMS::Key"}, "Lake": BUCKET},
        "Outputs": {
            "K": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:key"}}}
        },
    }
    user = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": {"Fn::ImportValue": "shared:key"}}},
            "Lake": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "raw-data"}},
        }
    }
    return from_templates({"user": user, "shared": shared}, name="dev")


def test_an_import_is_the_resource_another_stack_exports(two_stacks: Estate) -> None:
    key = two_stacks.find(only(two_stacks, "AWS::SQS::Queue").get("KmsMasterKeyId"))
    assert key is not None
    assert (key.stack, key.logical_id) == ("shared", "Key")


def test_equal_logical_ids_of_two_stacks_stay_two_resources(two_stacks: Estate) -> None:
    named, unnamed = (two_stacks.find(name, "AWS::S3::Bucket") for name in ("arn:aws:s3:::raw-data", "shared-lake"))
    assert named is not None and named.stack == "user"
    assert unnamed is not None and unnamed.stack == "shared"


def test_find_looks_only_among_the_types_asked_for(two_stacks: Estate) -> None:
    assert two_stacks.find("raw-data", "AWS::KMS::Key") is None
    assert two_stacks.find(None) is None
    assert two_stacks.find("arn:aws:s3:::of-somebody-else") is None


def test_a_log_group_is_found_with_and_without_its_star() -> None:
    estate = from_templates({"s": {"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}}}})
    arn = only(estate, "AWS::Logs::LogGroup").arn
    assert arn.endswith(":log-group:s-Logs:*")
    assert estate.find(arn) is estate.find(arn.removesuffix(":*")) is not None


@pytest.mark.parametrize("stack", ["s", "my.app_v2"])
def test_an_attribute_leads_to_its_resource_too(stack: str) -> None:
    read = {"Url": {"Fn::GetAtt": ["Db", "Endpoint.Address"]}, "Key": {"Fn::GetAtt": ["Watch", "MonitorArn"]}}
    resources = {
        "Db": {"Type": "AWS::RDS::DBInstance"},
        "Watch": {"Type": "AWS::CE::AnomalyMonitor"},
        "X": {"Type": "T::S::X", "Properties": read},
    }
    estate = from_templates({stack: {"Resources": resources}})
    user = only(estate, "T::S::X")
    assert isinstance(user.get("Url"), Unknown)
    assert estate.find(user.get("Url")) is only(estate, "AWS::RDS::DBInstance")
    assert user.get("Key") == only(estate, "AWS::CE::AnomalyMonitor").arn


def test_get_and_values_walk_to_a_property() -> None:
    rules = {"Rules": [{"Id": "a"}, {"Id": "b", "Days": 3}]}
    properties = {"Lifecycle": rules, "Name": {"Ref": "Later"}}
    template = {
        "Parameters": {"Later": {"Type": "String"}},
        "Resources": {"X": {"Type": "T::S::X", "Properties": properties}},
    }
    resource = only(from_templates({"s": template}), "T::S::X")
    assert resource.get("Lifecycle.Rules") == rules["Rules"]
    assert resource.get("Lifecycle.Nothing.Below", "default") == "default"
    assert list(resource.values("Lifecycle.Rules.*.Id")) == ["a", "b"]
    assert list(resource.values("Lifecycle.Rules.*.Days")) == [3]
    assert isinstance(resource.get("Name.Deeper"), Unknown), "what is below an unknown is unknown too"


@pytest.mark.parametrize(
    ("name", "tags", "stage", "guarded"),
    [
        ("dev", {}, "dev", False),
        ("prod", {}, "prod", True),
        ("somebody", {}, None, True),
        ("eu", {"mlops:stage": "dev"}, "dev", False),
        ("folder", {"mlops:environment": "staging"}, "staging", True),
        ("dev", {"mlops:stage": "prod"}, "prod", True),
    ],
)
def test_the_stage_is_what_tags_or_name_say(name: str, tags: dict[str, str], stage: str | None, guarded: bool) -> None:
    written = [{"Key": key, "Value": value} for key, value in tags.items()]
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"Tags": written}}
    estate = from_templates({"s": {"Resources": {"B": bucket}}}, name=name)
    assert (estate.stage, estate.guarded) == (stage, guarded)


def test_every_environment_of_the_app_is_an_estate(assembly: Assembly) -> None:
    estates = {estate.name: estate for estate in load(assembly.folder)}
    assert set(estates) == set(assembly.templates)
    for name, stacks in assembly.templates.items():
        assert len(estates[name].resources) == sum(len(template["Resources"]) for template in stacks.values())
        assert estates[name].stage == name


def test_nothing_of_our_templates_stays_unknown(assembly: Assembly) -> None:
    unknown = [
        f"{resource.path}: {value}"
        for estate in load(assembly.folder)
        for resource in estate.resources
        for value in _texts(resource.properties)
        if isinstance(value, Unknown) and ("ImportValue" in value or "If:" in value)
    ]
    assert not unknown


def test_roles_and_keys_of_every_function_are_found(assembly: Assembly) -> None:
    for estate in load(assembly.folder):
        for function in estate.of("AWS::Lambda::Function"):
            assert estate.find(function.get("Role"), "AWS::IAM::Role"), function.path
            assert estate.find(function.get("KmsKeyArn"), "AWS::KMS::Key"), function.path


def test_path_template_and_line_lead_to_the_source(assembly: Assembly) -> None:
    estate = next(estate for estate in load(assembly.folder) if estate.name == "prod")
    for resource in estate.resources:
        assert resource.path.startswith("prod/"), resource.path
        assert not resource.path.endswith("/Resource")
        lines = (assembly.folder / "assembly-prod" / resource.template).read_text().splitlines()
        assert f'"{resource.logical_id}": {{' in lines[resource.line - 1]


SHORT_FORMS = """
# a template of somebody else
Parameters:
  Retention: {Type: Number, Default: 30}
Resources:
  Logs:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Retain
    Properties:
      LogGroupName: !Sub "/app/${AWS::Region}"
      RetentionInDays: !Ref Retention
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Action: "logs:*", Resource: !GetAtt Logs.Arn}
          - {Effect: Allow, Action: "s3:*", Resource: !Join ["", ["arn:", !Ref "AWS::Partition", ":s3:::x"]]}
"""


def test_short_forms_of_yaml_are_read(tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(SHORT_FORMS)
    (estate,) = load(file)
    logs, policy = only(estate, "AWS::Logs::LogGroup"), only(estate, "AWS::IAM::ManagedPolicy")
    assert (logs.physical_id, logs.get("RetentionInDays"), logs.deletion_policy) == ("/app/us-east-1", 30, "Retain")
    assert (logs.path, logs.template, logs.line) == ("app/Logs", "app.yaml", 6)
    first, second = policy.get("PolicyDocument.Statement")
    assert estate.find(first["Resource"]) is logs
    assert second["Resource"] == "arn:aws:s3:::x"
    assert policy.get("PolicyDocument.Version") == "2012-10-17", "a version is no date"


def test_a_folder_of_templates_is_one_estate(tmp_path: Path) -> None:
    (tmp_path / "a.template.json").write_text(json.dumps({"Resources": {"A": BUCKET}}))
    (tmp_path / "b.yml").write_text("Resources: {B: {Type: AWS::SNS::Topic}}")
    (tmp_path / "package.json").write_text('{"name": "no template"}')
    (estate,) = load(tmp_path)
    assert [(each.stack, each.logical_id) for each in estate.resources] == [("a", "A"), ("b", "B")]


def test_nested_stacks_of_an_app_are_followed(tmp_path: Path) -> None:
    child = {
        "Parameters": {"KeyArn": {"Type": "String"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "KeyArn"}}}},
        "Outputs": {"Made": {"Value": {"Ref": "Topic"}}},
    }
    alarm = {"AlarmActions": [{"Fn::GetAtt": ["Child", "Outputs.Made"]}]}
    parent = {
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key"},
            "Child": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"Parameters": {"KeyArn": {"Fn::GetAtt": ["Key", "Arn"]}}},
                "Metadata": {"aws:asset:path": "child.nested.template.json"},
            },
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        }
    }
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "app.template.json"}}
    empty = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "empty.template.json"}}
    for name, content in (
        ("manifest.json", {"artifacts": {"app": artifact, "empty": empty}}),
        ("app.template.json", parent),
        ("empty.template.json", {}),
        ("child.nested.template.json", child),
    ):
        (tmp_path / name).write_text(json.dumps(content))
    (estate,) = load(tmp_path)
    topic = only(estate, "AWS::SNS::Topic")
    assert estate.find(topic.get("KmsMasterKeyId")) is only(estate, "AWS::KMS::Key")
    assert estate.find(only(estate, "AWS::CloudWatch::Alarm").get("AlarmActions")[0]) is topic
    assert topic.physical_id == "app-Child-Topic"
    assert (topic.path, topic.template) == ("app/Child/Topic", "child.nested.template.json")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("broken.json", '{"Resources": {', "broken.json:1: not JSON"),
        ("broken.yaml", "Resources: [", "broken.yaml:2: not YAML"),
        ("list.json", "[1, 2]", "not a CloudFormation template"),
        ("empty.json", '{"Resources": {}}', "not a CloudFormation template"),
        ("typeless.json", '{"Resources": {"A": {}}}', "not a CloudFormation template"),
        ("odd.json", '{"Resources": {"A": {"Type": "T::S::A", "Properties": {"P": {"Fn::Join": 3}}}}}', "odd.json: A:"),
    ],
)
def test_what_is_no_template_is_refused_with_its_place(tmp_path: Path, name: str, content: str, message: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(TemplateError) as error:
        load(file)
    assert message in str(error.value)


def test_a_path_without_templates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no CloudFormation template in this folder"):
        load(tmp_path)
    with pytest.raises(TemplateError, match="there is no such file or folder"):
        load(tmp_path / "absent")


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
