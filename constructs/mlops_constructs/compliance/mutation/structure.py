"""Mutants of structure: data left to die with its stack, guardians removed, resources with no protection added."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .lexicon import Stance, meanings
from .model import REMOVED, Corpus, Edit, Mutant
from .schema import Schemas

STATEFUL = ("AWS::SageMaker::ModelPackageGroup", "AWS::Glue::Database", "AWS::Glue::Table", "AWS::ECR::Repository")
"""Types that hold data besides those the schemas mark: registry and catalogue."""

GUARDIANS = {
    "AWS::S3::BucketPolicy": "ENC-3",
    "AWS::SQS::QueuePolicy": "ENC-3",
    "AWS::SNS::TopicPolicy": "ENC-3",
    "AWS::EC2::FlowLog": "NET-2",
    "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation": "NET-2",
    "AWS::SNS::Subscription": "OPS-1",
    "AWS::CloudWatch::Alarm": "OPS-1",
    "AWS::Events::Rule": "OPS-1",
    "AWS::Events::Archive": "LOG-2",
    "AWS::Scheduler::Schedule": "ML-4",
    "AWS::CloudTrail::Trail": "LOG-3",
    "AWS::Config::ConfigurationRecorder": "LOG-3",
    "AWS::Config::ConformancePack": "LOG-3",
    "AWS::GuardDuty::Detector": "AUD-1",
    "AWS::SecurityHub::Hub": "AUD-1",
    "AWS::Macie::Session": "AUD-1",
    "AWS::AccessAnalyzer::Analyzer": "AUD-1",
    "AWS::InspectorV2::Filter": "AUD-1",
    "AWS::Budgets::Budget": "OPS-3",
    "AWS::CE::AnomalyMonitor": "OPS-3",
    "AWS::CE::AnomalySubscription": "OPS-3",
    "AWS::LakeFormation::DataLakeSettings": "ML-11",
    "AWS::SageMaker::ModelCard": "ML-12",
}
"""Types whose only purpose is to watch or to forbid, and the control that is gone with them."""

SERVICES = re.compile(
    "AWS::(Athena|Backup|CloudTrail|CodeBuild|DocDB|DynamoDB|EC2|ECR|EFS|ElastiCache|EMR|Events|FSx|Glue|Kinesis"
    "|KinesisFirehose|Lambda|Logs|MSK|MWAA|Neptune|OpenSearchService|RDS|Redshift|S3|SageMaker|SecretsManager|SNS|SQS"
    "|StepFunctions|Timestream)::.*"
)
"""Services a machine learning platform is likely to grow into."""


def mutants(corpus: Corpus, schemas: Schemas) -> Iterator[Mutant]:
    """Yield the mutants of the structure of every template."""
    yield from _mortal(corpus, {*schemas.stateful, *STATEFUL})
    yield from _unguarded(corpus)
    yield from _bare(corpus, schemas)


def _mortal(corpus: Corpus, stateful: Iterable[str]) -> Iterator[Mutant]:
    for template, logical_id, resource in corpus.resources(*stateful):
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            kept = str(resource.get(attribute, "Delete"))
            if kept == "Delete":
                continue
            for operator, value in (("drop", REMOVED), ("set Delete", "Delete")):
                yield _mutant(operator, resource["Type"], attribute, "RET-1", template, logical_id, (attribute,), value)


def _unguarded(corpus: Corpus) -> Iterator[Mutant]:
    for template, logical_id, resource in corpus.resources(*GUARDIANS):
        if not _is_referenced(corpus, template, logical_id):
            control = GUARDIANS[resource["Type"]]
            name = _purpose(resource)
            yield _mutant("remove", resource["Type"], name, control, template, logical_id, (), REMOVED)


def _purpose(resource: dict[str, Any]) -> str:
    """What a guardian watches, in words that survive a renaming."""
    values = resource.get("Properties", {})
    pattern = json.dumps(values.get("EventPattern", {}).get("detail-type", "")) if "EventPattern" in values else ""
    return str(values.get("MetricName") or pattern or "resource")


def _bare(corpus: Corpus, schemas: Schemas) -> Iterator[Mutant]:
    kinds = [(kind, keys[0]) for kind in schemas.types if SERVICES.fullmatch(kind) and (keys := _keys(schemas, kind))]
    for kind, key in kinds:
        resource = {"Type": kind, "Properties": schemas.bare(kind)}
        for template in corpus.templates:
            yield _mutant("add bare", kind, key, "ENC-1", template, "MutantBare", (), resource)


def _keys(schemas: Schemas, kind: str) -> list[str]:
    """Optional properties that name the key of what a bare resource of the type stores."""
    known = {each.path: each for each in schemas.properties(kind)}
    found = []
    for path, each in known.items():
        parent = path.rpartition(".")[0]
        about = not parent or (parent in known and known[parent].required) or re.search("Encrypt|SSE|Security", parent)
        if about and path.count(".") < 2 and any(row.stance is Stance.KEY for row in meanings(path)):
            found.append(each)
    return [] if any(each.required and "." not in each.path for each in found) else [each.path for each in found]


def _is_referenced(corpus: Corpus, template: str, logical_id: str) -> bool:
    """Whether something besides DependsOn needs the resource: without it the template would not deploy."""
    document = corpus.templates[template]
    others = {
        name: {key: value for key, value in resource.items() if key != "DependsOn"}
        for name, resource in document["Resources"].items()
        if name != logical_id
    }
    text = json.dumps([others, document.get("Outputs", {})])
    return f'{{"Ref": "{logical_id}"}}' in text or f'["{logical_id}", ' in text


def _mutant(
    operator: str,
    kind: str,
    name: str,
    control: str,
    template: str,
    logical_id: str,
    path: tuple[str | int, ...],
    value: Any,
) -> Mutant:
    return Mutant(
        operator=operator,
        type=kind,
        about=name,
        control=control,
        template=template,
        logical_id=logical_id,
        edits=(Edit(logical_id, path, value),),
    )
