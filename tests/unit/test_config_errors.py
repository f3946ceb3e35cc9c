"""Every wrong key, type and rule between fields gives one line: file, field, what was given, what is allowed."""

from pathlib import Path

import pytest

from stacks.config import ConfigError, load_environment, load_platform, load_workload
from tests.unit.config_files import REMOVED, Change, Edit, only_line

ENVIRONMENT_CASES: dict[str, tuple[Change, str]] = {
    "unknown key": ({"acount": "1"}, "acount: got '1'; did you mean account? unknown key, use one of name, stage, "),
    "unknown nested key": (
        {"data_retention.days": 3},
        "data_retention.days: got 3; unknown key, use one of on_delete, noncurrent_days, capture_days",
    ),
    "missing": ({"owner": REMOVED}, "owner: got nothing; add it, it is required"),
    "account as number": ({"account": 333333333333}, "account: got 333333333333; put the value in quotes"),
    "account too short": (
        {"account": "1234"},
        r"account: got '1234'; must match ^\d{12}$, such as " + '"111111111111"',
    ),
    "region": ({"region": "Ireland"}, "region: got 'Ireland'; must match "),
    "owner": ({"owner": "the ML team"}, "owner: got 'the ML team'; must match "),
    "stage": ({"stage": "production"}, "stage: got 'production'; use local, dev, staging or prod"),
    "name": ({"name": "Prod"}, "name: got 'Prod'; must match "),
    "name is not the file's": ({"name": "production"}, "name: got 'production'; use 'prod', the name of the file"),
    "cost centre as number": ({"cost_centre": 4711}, "cost_centre: got 4711; put the value in quotes"),
    "empty text": ({"cost_centre": ""}, "cost_centre: got ''; give at least 1 character"),
    "no number": ({"archive_days": "many"}, "archive_days: got 'many'; give a whole number"),
    "number in quotes": ({"archive_days": "30"}, "archive_days: got '30'; remove the quotes: 30"),
    "yes for a number": ({"archive_days": True}, "archive_days: got true; give a whole number"),
    "archive too short": ({"archive_days": 1}, "archive_days: got 1; give at least 7"),
    "log retention": ({"log_retention_days": 42}, "log_retention_days: got 42; use 1, 3, 5, "),
    "qualifier": ({"bootstrap_qualifier": "My-Own"}, "bootstrap_qualifier: got 'My-Own'; must match "),
    "boundary by ARN": (
        {"permissions_boundary": "arn:aws:iam::1:policy/b"},
        "permissions_boundary: got 'arn:aws:iam::1:policy/b'; must match ",
    ),
    "alert address": (
        {"alerts": {"email": "oncall"}},
        r"alerts.email: got 'oncall'; must match ^[^@\s]+@[^@\s]+\.[^@\s]+$, such as ml-oncall@example.com",
    ),
    "retention": ({"data_retention.noncurrent_days": 0}, "data_retention.noncurrent_days: got 0; give at least 1"),
    "no network": ({"network": {}}, "network: got []; give exactly one of `create` and `existing`"),
    "range is no range": (
        {"network.create.cidr": "10.0.0.0/99"},
        "network.create.cidr: got '10.0.0.0/99'; use an IPv4 range such as 10.20.0.0/16",
    ),
    "public range": ({"network.create.cidr": "8.8.0.0/16"}, "network.create.cidr: got '8.8.0.0/16'; use a private "),
    "range too small": ({"network.create.cidr": "10.0.0.0/28"}, "network.create.cidr: got '10.0.0.0/28'; use a pri"),
    "one zone": (
        {"network.create.availability_zones": ["us-east-1a"]},
        "network.create.availability_zones: got ['us-east-1a']; give at least 2 entries",
    ),
    "zone elsewhere": (
        {"network.create.availability_zones": ["us-east-1a", "eu-west-1b"]},
        "network.create.availability_zones.1: got 'eu-west-1b'; use a zone of region us-east-1, such as us-east-1a",
    ),
    "the same zone twice": (
        {"network.create.availability_zones": ["us-east-1a", "us-east-1a"]},
        "network.create.availability_zones: got ['us-east-1a', 'us-east-1a']; name each zone once: the same zone",
    ),
    "nothing where fields belong": (
        {"workloads": {"flight-delays": None}, "budget": REMOVED},
        "workloads.flight-delays: got nothing; use a mapping of field: value, or {} when there is nothing to say",
    ),
    "a text where fields belong": ({"network": "private"}, "network: got 'private'; use a mapping of field: value, or"),
    "half of an existing network": (
        {"network": {"existing": {"vpc_id": "vpc-0123456789abcdef0"}}},
        "",
    ),
    "the same zone twice, existing": (
        {
            "network": {
                "existing": {
                    "vpc_id": "vpc-0123456789abcdef0",
                    "availability_zones": ["us-east-1a", "us-east-1a"],
                    "private_subnet_ids": ["subnet-01234567", "subnet-01234568"],
                    "job_security_group_id": "sg-01234567",
                }
            }
        },
        "network.existing.availability_zones: got ['us-east-1a', 'us-east-1a']; name each zone once",
    ),
    "subnets do not match zones": (
        {
            "network": {
                "existing": {
                    "vpc_id": "vpc-0123456789abcdef0",
                    "availability_zones": ["us-east-1a", "us-east-1b"],
                    "private_subnet_ids": ["subnet-01234567", "subnet-01234568", "subnet-01234569"],
                    "job_security_group_id": "sg-01234567",
                }
            }
        },
        "network.existing.private_subnet_ids: got ['subnet-01234567', 'subnet-01234568', 'subnet-01234569']; "
        "give 2 ids, one per availability zone",
    ),
    "prod drops its data": (
        {"data_retention.on_delete": "destroy"},
        "data_retention.on_delete: got 'destroy'; use retain: stage prod must keep its data when a stack is deleted",
    ),
    "prod approves alone": (
        {"model_approval": "automatic"},
        "model_approval: got 'automatic'; use manual: in stage prod a person approves models",
    ),
    "internet egress": (
        {"network.create.internet_egress": True},
        "network.create.internet_egress: got true; unknown key, use one of cidr, availability_zones",
    ),
}


@pytest.mark.parametrize("case", [name for name, (_, line) in ENVIRONMENT_CASES.items() if line])
def test_environment_mistake_gives_one_line(edit: Edit, case: str) -> None:
    changes, expected = ENVIRONMENT_CASES[case]
    path = edit("environments/prod.yaml", changes)
    line = only_line(lambda: load_environment(path))
    assert line.startswith(f"{path}: {expected}"), line


def test_half_an_existing_network_names_every_missing_part(edit: Edit) -> None:
    path = edit("environments/prod.yaml", ENVIRONMENT_CASES["half of an existing network"][0])
    with pytest.raises(ConfigError) as error:
        load_environment(path)
    assert str(error.value).splitlines() == [
        f"{path}: network.existing.{field}: got nothing; add it, it is required"
        for field in ("availability_zones", "private_subnet_ids", "job_security_group_id")
    ]


@pytest.mark.parametrize("stage", ["staging", "prod"])
@pytest.mark.parametrize("rule", ["prod drops its data", "prod approves alone"])
def test_guarded_stages_share_the_rules(edit: Edit, stage: str, rule: str) -> None:
    changes, expected = ENVIRONMENT_CASES[rule]
    path = edit(f"environments/{stage}.yaml", changes)
    line = only_line(lambda: load_environment(path))
    assert line == f"{path}: {expected.replace('stage prod', f'stage {stage}')}"


WORKLOAD_CASES: dict[str, tuple[Change, str]] = {
    "unknown key": ({"servings": {}}, "servings: got {}; did you mean serving? unknown key, use one of name, owner, "),
    "unknown key in a source": ({"sources.flights.rules": []}, "sources.flights.rules: got []; unknown key, use one "),
    "unknown key in a column": (
        {"sources.flights.columns.0.kind": "x"},
        "sources.flights.columns.0.kind: got 'x'; unknown key, use one of name, type, required",
    ),
    "missing": ({"training.train_days": REMOVED}, "training.train_days: got nothing; add it, it is required"),
    "column type": (
        {"sources.flights.columns.0.type": "text"},
        "sources.flights.columns.0.type: got 'text'; use string, int, bigint, ",
    ),
    "column name": ({"sources.flights.columns.2.name": "Day"}, "sources.flights.columns.2.name: got 'Day'; must mat"),
    "column twice": (
        {"sources.flights.columns.2.name": "temp"},
        "sources.flights.columns: got ['temp']; name every column once",
    ),
    "key": ({"sources.labels.key": "id"}, "sources.labels.key: got 'id'; name one of the columns: flight_id, event_t"),
    "event time": ({"sources.labels.event_time": "at"}, "sources.labels.event_time: got 'at'; name one of the column"),
    "event time type": (
        {"sources.labels.event_time": "flight_id"},
        "sources.labels.event_time: got 'flight_id'; column flight_id must have type timestamp, not string",
    ),
    "no quality rule": (
        {"sources.labels.quality_rules": []},
        "sources.labels.quality_rules: got []; give at least 1 ent",
    ),
    "label source": ({"label.source": "truth"}, "label.source: got 'truth'; name one of the sources: flights, labels"),
    "label column": (
        {"label.column": "event_time"},
        "label.column: got 'event_time'; name a numeric column of source labels: late",
    ),
    "compute": ({"training.compute": "laptop"}, "training.compute: got 'laptop'; use sagemaker"),
    "instance type": ({"training.instance_type": "m5.large"}, "training.instance_type: got 'm5.large'; must match "),
    "metric": ({"metric.name": "f1"}, "metric.name: got 'f1'; use auc"),
    "metric range": ({"metric.minimum": 60}, "metric.minimum: got 60; give at most 1"),
    "number in quotes": ({"serving.instance_count": "2"}, "serving.instance_count: got '2'; remove the quotes: 2"),
    "canary": ({"serving.rollout.canary_percent": 80}, "serving.rollout.canary_percent: got 80; give at most 50"),
    "capture": ({"serving.capture_percent": 0}, "serving.capture_percent: got 0; use 100: the compliance pack ref"),
    "autoscaling bounds": (
        {"serving.autoscaling.max_count": 1},
        "serving.autoscaling.max_count: got 1; give at least min_count, which is 2",
    ),
    "instances out of bounds": (
        {"serving.instance_count": 9},
        "serving.instance_count: got 9; give 2 to 4, the bounds of serving.autoscaling",
    ),
    "schedule": ({"monitoring.schedule": "daily"}, "monitoring.schedule: got 'daily'; must match "),
    "cron of five fields": (
        {"monitoring.schedule": "cron(0 6 * * *)"},
        "monitoring.schedule: got 'cron(0 6 * * *)'; give cron 6 fields, not 5: minutes, hours, day of month, month, ",
    ),
    "both days": (
        {"monitoring.schedule": "cron(0 6 * * * *)"},
        "monitoring.schedule: got 'cron(0 6 * * * *)'; write ?",
    ),
    "hour": (
        {"monitoring.schedule": "cron(0 25 * * ? *)"},
        "monitoring.schedule: got 'cron(0 25 * * ? *)'; 25 does not fit the hours: 0 to 23; such as cron(0 6 * * ? *)",
    ),
    "day": (
        {"monitoring.schedule": "cron(0 6 ? * FRY *)"},
        "monitoring.schedule: got 'cron(0 6 ? * FRY *)'; FRY does not fit the day of week: 1 to 7 or SUN to SAT; such",
    ),
    "unit of a rate": (
        {"monitoring.schedule": "rate(1 fortnight)"},
        "monitoring.schedule: got 'rate(1 fortnight)'; give a positive whole number and minutes, hours or days, such",
    ),
    "list for a number": (
        {"training.hyperparameters.num_round": [200]},
        "training.hyperparameters.num_round: got [200]; give a text or a number",
    ),
    "yes for a hyperparameter": (
        {"training.hyperparameters.num_round": True},
        "training.hyperparameters.num_round: got true; give a text or a number",
    ),
    "rule type": (
        {"sources.labels.quality_rules.1": 'IsComplet "flight_id"'},
        """sources.labels.quality_rules.1: got 'IsComplet "flight_id"'; did you mean IsComplete? IsComplet is no""",
    ),
    "open quote": (
        {"sources.labels.quality_rules.1": 'IsComplete "flight_id'},
        """sources.labels.quality_rules.1: got 'IsComplete "flight_id'; close the quote""",
    ),
    "open bracket": (
        {"sources.labels.quality_rules.4": 'ColumnValues "late" in [0, 1'},
        """sources.labels.quality_rules.4: got 'ColumnValues "late" in [0, 1'; close every bracket that is opened""",
    ),
    "column of a rule": (
        {"sources.labels.quality_rules.1": 'IsComplete "fligth_id"'},
        """sources.labels.quality_rules.1: got 'IsComplete "fligth_id"'; name a column after IsComplete, not fligth""",
    ),
    "trigger": ({"retraining.triggers": ["mood"]}, "retraining.triggers.0: got 'mood'; use drift or request"),
    "monitoring alone": (
        {"serving": REMOVED},
        "monitoring: got 'present'; add `serving` or remove `monitoring`: it watches captured predictions",
    ),
    "window": (
        {"monitoring.window_days": 100},
        "monitoring.window_days: got 100; give at most 90, half of training.train_days: two windows of the training",
    ),
    "serving unwatched": (
        {"monitoring": REMOVED},
        "serving: got 'present'; add `monitoring` or remove `serving`: the compliance pack refuses a model that nobody",
    ),
    "half of the requests": (
        {"serving.capture_percent": 50},
        "serving.capture_percent: got 50; use 100: the compliance pack refuses an endpoint that does not capture every",
    ),
    "drift unwatched": (
        {"monitoring": REMOVED, "serving": REMOVED},
        "retraining.triggers: got ['drift', 'request']; add `monitoring` or remove the trigger `drift`",
    ),
    "smoke payload": ({"smoke_payload": "a,b"}, "smoke_payload: got 'a,b'; give one row of 13 values, not 2: the key"),
    "dockerfile": (
        {"image.dockerfile": "Containerfile"},
        "image.dockerfile: got 'Containerfile'; there is no such",
    ),
    "dockerfile elsewhere": (
        {"image.dockerfile": "../Dockerfile"},
        "image.dockerfile: got '../Dockerfile'; must",
    ),
    "name is not the folder's": ({"name": "delays"}, "name: got 'delays'; use 'flight-delays', the name of the folder"),
}


@pytest.mark.parametrize("case", WORKLOAD_CASES)
def test_workload_mistake_gives_one_line(edit: Edit, case: str) -> None:
    changes, expected = WORKLOAD_CASES[case]
    path = edit("workloads/flight-delays/workload.yaml", changes)
    line = only_line(lambda: load_workload(path))
    assert line.startswith(f"{path}: {expected}"), line


def test_workload_without_a_script_is_refused(repository: Path) -> None:
    path = repository / "workloads/flight-delays/workload.yaml"
    (path.parent / "src" / "train.py").unlink()
    assert "its folder lacks src/train.py" in only_line(lambda: load_workload(path))


OVERRIDE_CASES: dict[str, tuple[str, Change, str]] = {
    "unknown key": ("dev", {"serving": {"size": 1}}, "serving.size: got 1; unknown key, use one of instance_type, "),
    "type": ("dev", {"retraining": {"daily_cap": "two"}}, "retraining.daily_cap: got 'two'; give a whole number"),
    "name": ("dev", {"name": "other"}, "name: got 'other'; remove it: a name is fixed"),
    "one instance in prod": (
        "prod",
        {"serving": {"instance_count": 1, "autoscaling": None}},
        "serving.instance_count: got 1; give at least 2: stage prod must survive the loss of a zone",
    ),
    "one instance in staging": (
        "staging",
        {"serving": {"instance_count": 1, "autoscaling": None}},
        "serving.instance_count: got 1; give at least 2: stage staging must survive the loss of a zone",
    ),
    "deleted before it is monitored": (
        "dev",
        {"monitoring": {"window_days": 29}},
        "monitoring.window_days: got 29; give less than 30, the days that data_retention.capture_days keeps",
    ),
    "no cool-down": (
        "staging",
        {"retraining": {"cool_down_minutes": 0}},
        "retraining.cool_down_minutes: got 0; give at least 1: in stage staging nothing may ask for training",
    ),
    "no new rows": (
        "prod",
        {"retraining": {"min_new_rows": 0}},
        "retraining.min_new_rows: got 0; give at least 1: in stage prod nothing may ask for training",
    ),
    "half of the requests": ("dev", {"serving": {"capture_percent": 50}}, "serving.capture_percent: got 50; use 100: "),
    "serving taken away": (
        "dev",
        {"serving": None},
        "serving: got nothing; with it, monitoring is refused: add `serving` or remove `monitoring`: it watch",
    ),
    "monitoring taken away": (
        "dev",
        {"monitoring": None, "retraining": {"triggers": ["request"]}},
        "monitoring: got nothing; with it, serving is refused: add `monitoring` or remove `serving`: the comp",
    ),
    "too few days for the window": (
        "dev",
        {"metric": {"minimum": 0.7}, "training": {"train_days": 30}},
        "training.train_days: got 30; with it, monitoring.window_days is refused: give at most 15, half of train",
    ),
    "a part of a section": (
        "dev",
        {"label": {"source": "flights"}},
        "label.source: got 'flights'; with it, label",
    ),
    "a section that is required": ("dev", {"label": None}, "label: got nothing; use a mapping of field: value, or {}"),
    "a list for a section": ("dev", {"serving": [1]}, "serving: got [1]; use a mapping of field: value"),
    "a file that is nowhere": (
        "dev",
        {"image": {"dockerfile": "Other"}},
        "image.dockerfile: got 'Other'; there is",
    ),
    "scales in to one": (
        "prod",
        {"serving": {"autoscaling": {"min_count": 1}}},
        "serving.autoscaling.min_count: got 1; give at least 2: stage prod must survive the loss of a zone",
    ),
}


@pytest.mark.parametrize("case", OVERRIDE_CASES)
def test_override_mistake_names_the_environment_file(repository: Path, edit: Edit, case: str) -> None:
    name, overrides, expected = OVERRIDE_CASES[case]
    path = edit(f"environments/{name}.yaml", {"workloads.flight-delays": overrides})
    line = only_line(lambda: load_platform(repository, name))
    assert line.startswith(f"{path}: workloads.flight-delays.{expected}"), line


def test_a_value_that_only_a_stage_refuses_is_said_where_it_stands(repository: Path, edit: Edit) -> None:
    given = edit("workloads/flight-delays/workload.yaml", {"retraining.cool_down_minutes": 0})
    assert load_platform(repository, "dev").workloads
    path = repository / "environments" / "prod.yaml"
    assert only_line(lambda: load_platform(repository, "prod")) == (
        f"{path}: workloads.flight-delays.retraining.cool_down_minutes: got 0 from {given}; "
        "give at least 1: in stage prod nothing may ask for training without end"
    )


def test_a_field_that_a_new_section_lacks_is_missing_in_the_environment_file(repository: Path, edit: Edit) -> None:
    edit("workloads/flight-delays/workload.yaml", {"serving.autoscaling": REMOVED})
    bounds = {"serving": {"autoscaling": {"min_count": 1, "max_count": 3}}}
    path = edit("environments/dev.yaml", {"workloads.flight-delays": bounds})
    assert only_line(lambda: load_platform(repository, "dev")) == (
        f"{path}: workloads.flight-delays.serving.autoscaling.invocations_per_instance: got nothing; "
        "add it, it is required"
    )


def test_a_mistake_that_two_overrides_make_together_is_named_where_it_shows(repository: Path, edit: Edit) -> None:
    both = {"serving": {"instance_count": 4, "autoscaling": {"max_count": 3}}}
    path = edit("environments/dev.yaml", {"workloads.flight-delays": both})
    assert only_line(lambda: load_platform(repository, "dev")).startswith(
        f"{path}: workloads.flight-delays.serving.instance_count: got 4; give 2 to 3, the bounds of serving.autoscaling"
    )


@pytest.mark.parametrize(("length", "refused"), [(21, False), (22, True)])
def test_names_that_are_too_long_together_are_refused(repository: Path, edit: Edit, length: int, refused: bool) -> None:
    """Each may have 32 characters; together they begin the names of jobs, which SageMaker limits."""
    workload, environment = "w" * length, "environment-with-20c"
    (repository / "workloads/flight-delays").rename(repository / "workloads" / workload)
    edit(f"workloads/{workload}/workload.yaml", {"name": workload})
    (repository / "environments/dev.yaml").rename(repository / f"environments/{environment}.yaml")
    changes = {"name": environment, "workloads": {workload: {}}, "budget": REMOVED}
    path = edit(f"environments/{environment}.yaml", changes)
    if not refused:
        assert load_platform(repository, environment).workloads
        return
    assert only_line(lambda: load_platform(repository, environment)) == (
        f"{path}: workloads.{workload}: got '{workload}-{environment}'; give names that have at most 42 characters"
        " together with the hyphen, not 43: of SageMaker's 63 the others tell jobs and versions apart"
    )


def test_removing_a_section_turns_the_feature_off(repository: Path, edit: Edit) -> None:
    off = {"serving": None, "monitoring": None, "retraining": {"triggers": ["request"]}}
    edit("environments/dev.yaml", {"workloads.flight-delays": off})
    workload = load_platform(repository, "dev").workloads[0]
    assert workload.monitoring is None and workload.serving is None
    assert workload.retraining is not None


def test_unknown_workload_folder_is_named(repository: Path, edit: Edit) -> None:
    path = edit("environments/dev.yaml", {"workloads.fraud": {}})
    line = only_line(lambda: load_platform(repository, "dev"))
    assert line.startswith(f"{path}: workloads.fraud: got 'fraud'; name a folder of workloads/, there is ")
    assert "flight-delays" in line
