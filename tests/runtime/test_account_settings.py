"""The function behind Inspector's scans and Macie's job: what it asks the services, and that it always answers."""

import json

import pytest

from account_settings import discovery, handler, scanning


class FakeInspector:
    """Answers in turn with the failed accounts of `answers`, then with none."""

    def __init__(self):
        self.calls, self.answers = [], []

    def enable(self, **call):
        self.calls.append(("enable", call["resourceTypes"]))
        return {"accounts": [], "failedAccounts": self.answers.pop(0) if self.answers else []}

    def disable(self, **call):
        self.calls.append(("disable", call["resourceTypes"]))
        return {"accounts": [], "failedAccounts": self.answers.pop(0) if self.answers else []}


class FakeMacie:
    """Two jobs of our name that run; a new one gets the next number, the same token the same job."""

    def __init__(self):
        self.jobs, self.tokens, self.made = ["job-1", "job-2"], {}, []

    def get_paginator(self, name):
        assert name == "list_classification_jobs"
        return self

    def paginate(self, filterCriteria):  # noqa: N803 (the service's spelling)
        assert filterCriteria["includes"] == [{"comparator": "EQ", "key": "name", "values": ["lake"]}]
        return [{"items": [{"jobId": job}]} for job in self.jobs]

    def create_classification_job(self, **call):
        job = self.tokens.setdefault(call["clientToken"], f"job-{len(self.jobs) + 1}")
        if job not in self.jobs:
            self.jobs.append(job)
            self.made.append(call)
        return {"jobId": job}

    def update_classification_job(self, **call):
        assert call["jobStatus"] == "CANCELLED"
        self.jobs.remove(call["jobId"])


def event(kind, properties, before=None):
    request = {
        "RequestType": kind,
        "ResponseURL": "https://answer",
        "StackId": "stack",
        "RequestId": "request-1",
        "LogicalResourceId": "Settings",
        "ResourceProperties": {"ServiceToken": "arn", **properties},
    }
    return {**request, "OldResourceProperties": {"ServiceToken": "arn", **before}} if before else request


SCANS = {"Setting": "inspector-scans", "ResourceTypes": ["ECR", "LAMBDA"]}
JOB = {
    "Setting": "macie-job",
    "Name": "lake",
    "Account": "111111111111",
    "Buckets": ["landing", "raw"],
    "Weekday": "SUNDAY",
    "SamplingPercent": "20",
}


@pytest.fixture
def answers(monkeypatch):
    sent = []
    monkeypatch.setattr(handler, "send", lambda url, body: sent.append(json.loads(body)))
    return sent


@pytest.fixture
def inspector(monkeypatch):
    client = FakeInspector()
    monkeypatch.setattr(handler.aws, "inspector2", lambda: client)
    return client


@pytest.fixture
def macie(monkeypatch):
    client = FakeMacie()
    monkeypatch.setattr(handler.aws, "macie2", lambda: client)
    return client


def test_scans_are_turned_on_with_the_stack_and_off_with_it(inspector, answers):
    handler.handler(event("Create", SCANS), None)
    handler.handler(event("Delete", SCANS), None)
    assert inspector.calls == [("enable", ["ECR", "LAMBDA"]), ("disable", ["ECR", "LAMBDA"])]
    assert [answer["Status"] for answer in answers] == ["SUCCESS", "SUCCESS"]


def test_an_update_turns_off_only_what_is_no_longer_wanted(inspector, answers):
    handler.handler(event("Update", {**SCANS, "ResourceTypes": ["ECR"]}, before=SCANS), None)
    assert inspector.calls == [("enable", ["ECR"]), ("disable", ["LAMBDA"])]


def failed(code):
    return [{"accountId": "1", "errorCode": code, "errorMessage": "no"}]


class Clock:
    """The context of a function that has 45 seconds left; sleeping passes them."""

    def __init__(self, monkeypatch):
        self.left = 45.0
        monkeypatch.setattr(scanning.time, "sleep", self.sleep)

    def sleep(self, seconds):
        self.left -= seconds

    def get_remaining_time_in_millis(self):
        return int(self.left * 1000)


def test_a_refusal_of_the_service_fails_the_stack_with_its_words(inspector, answers, monkeypatch):
    inspector.answers = [failed("ACCOUNT_IS_ISOLATED")]
    handler.handler(event("Create", SCANS), Clock(monkeypatch))
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "SettingError: scans could not be turned on in 1: ACCOUNT_IS_ISOLATED: no"
    assert len(inspector.calls) == 1


@pytest.mark.parametrize("code", sorted(scanning.PASSING))
def test_inspector_is_asked_again_while_it_is_busy(inspector, answers, monkeypatch, code):
    inspector.answers = [failed(code), failed(code), failed("ALREADY_ENABLED")]
    handler.handler(event("Create", SCANS), Clock(monkeypatch))
    assert [answer["Status"] for answer in answers] == ["SUCCESS"]
    assert len(inspector.calls) == 3


def test_the_stack_is_answered_before_the_functions_time_is_up(inspector, answers, monkeypatch):
    inspector.answers = [failed("DISABLE_IN_PROGRESS")] * 99
    clock = Clock(monkeypatch)
    handler.handler(event("Create", SCANS), clock)
    assert answers[0]["Status"] == "FAILED" and "DISABLE_IN_PROGRESS" in answers[0]["Reason"]
    assert clock.left > 10


def test_a_job_replaces_those_of_its_name(macie, answers):
    handler.handler(event("Update", JOB), None)
    assert macie.jobs == ["job-3"]
    (made,) = macie.made
    assert made["s3JobDefinition"]["bucketDefinitions"] == [
        {"accountId": "111111111111", "buckets": ["landing", "raw"]}
    ]
    assert made["scheduleFrequency"] == {"weeklySchedule": {"dayOfWeek": "SUNDAY"}}
    assert (made["samplingPercentage"], made["jobType"], made["initialRun"]) == (20, "SCHEDULED", True)


def test_the_same_request_twice_makes_one_job(macie):
    job = discovery.Job(name="lake", account="1" * 12, buckets=["b"], weekday="SUNDAY", sampling_percent=1)
    first = discovery.replace(macie, job, token="t")
    assert discovery.replace(macie, job, token="t") == first
    assert macie.jobs == [first]


def test_jobs_end_with_the_stack(macie, answers):
    handler.handler(event("Delete", JOB), None)
    assert macie.jobs == [] and answers[0]["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"Setting": "other"},
        {**JOB, "SamplingPercent": "0"},
        {**JOB, "Buckets": []},
        {**SCANS, "ResourceTypes": ["EC2"]},
    ],
)
def test_a_setting_that_is_none_is_answered_as_failed(properties, answers):
    handler.handler(event("Create", properties), None)
    assert answers[0]["Status"] == "FAILED"


def test_calls_are_those_the_services_have():
    from botocore.session import Session

    session = Session()
    for service, operations in {
        "inspector2": {"Enable": {"resourceTypes"}, "Disable": {"resourceTypes"}},
        "macie2": {
            "CreateClassificationJob": {
                "clientToken",
                "name",
                "jobType",
                "scheduleFrequency",
                "initialRun",
                "samplingPercentage",
                "managedDataIdentifierSelector",
                "s3JobDefinition",
                "description",
            },
            "UpdateClassificationJob": {"jobId", "jobStatus"},
        },
    }.items():
        model = session.get_service_model(service)
        for operation, members in operations.items():
            assert members <= set(model.operation_model(operation).input_shape.members)
    assert scanning.SettingError
