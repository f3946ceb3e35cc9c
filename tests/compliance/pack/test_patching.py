import datetime as dt
from typing import Any

import pytest

from mlops_constructs.compliance.rules.patching import runtimes
from tests.compliance.pack.judging import failed, passes, resource


@pytest.mark.parametrize(
    ("properties", "ok"),
    [
        ({"Runtime": "python3.14"}, True),
        ({"Runtime": "python3.8"}, False),
        ({"Runtime": "nodejs12.x"}, False),
        ({"Runtime": "cobol85"}, False),
    ],
)
def test_runtimes_are_supported(properties: dict[str, Any], ok: bool) -> None:
    assert passes("OPS-4.runtime-supported", {"It": resource("AWS::Lambda::Function", properties)}) is ok


def test_images_bring_their_own_runtime() -> None:
    assert not failed("OPS-4.runtime-supported", {"It": resource("AWS::Lambda::Function", {"PackageType": "Image"})})


def test_the_dates_are_read_as_of_a_day() -> None:
    known = runtimes()
    assert known.as_of >= dt.date(2026, 11, 1)
    assert any(day <= known.as_of for day in known.ends.values()) and any(
        day > known.as_of for day in known.ends.values()
    )


@pytest.mark.parametrize(
    ("rule", "kind", "properties", "ok"),
    [
        ("OPS-4.patched", "AWS::RDS::DBInstance", {}, True),
        ("OPS-4.patched", "AWS::RDS::DBInstance", {"AutoMinorVersionUpgrade": False}, False),
        ("OPS-4.patched", "AWS::Glue::Job", {"GlueVersion": "5.0", "Command": {"Name": "glueetl"}}, True),
        ("OPS-4.patched", "AWS::Glue::Job", {"GlueVersion": "2.0", "Command": {"Name": "glueetl"}}, False),
        ("OPS-4.patched", "AWS::Glue::Job", {"Command": {"Name": "pythonshell", "PythonVersion": "3.9"}}, True),
        ("OPS-4.patched", "AWS::Glue::Job", {"Command": {"Name": "pythonshell", "PythonVersion": "3"}}, False),
        ("OPS-4.pinned", "AWS::RDS::DBInstance", {"EngineVersion": "16.4"}, True),
        ("OPS-4.pinned", "AWS::RDS::DBInstance", {}, False),
    ],
)
def test_engines_are_patched_and_pinned(rule: str, kind: str, properties: dict[str, Any], ok: bool) -> None:
    assert (not failed(rule, {"It": resource(kind, properties)})) is ok


@pytest.mark.parametrize(
    ("layer", "ok"),
    [
        ("arn:aws:lambda:eu-west-1:111122223333:layer:ours:3", True),
        ("arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3:27", True),
        ({"Ref": "Layer"}, True),
        ({"Ref": "Parameter"}, True),
        ("arn:aws:lambda:eu-west-1:999999999999:layer:theirs:1", False),
        ("theirs", False),
    ],
)
def test_layers_come_from_somebody_known(layer: Any, ok: bool) -> None:
    template = {
        "It": resource("AWS::Lambda::Function", {"Layers": [layer]}),
        "Layer": resource("AWS::Lambda::LayerVersion"),
    }
    parameters = {"Parameter": {"Type": "String"}}
    assert passes("OPS-4.trusted-layers", template, parameters=parameters) is ok
