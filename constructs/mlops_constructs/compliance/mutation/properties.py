"""Mutants of single properties: the schema says what exists, the lexicon what it means, the template what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .lexicon import WEAK, Meaning, Stance, meanings
from .model import REMOVED, Corpus, Edit, Mutant, Step
from .schema import Property, Schemas

POLICY_OWNERS = ("AWS::IAM::", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
"""Types that are nothing but their policy: `policies.py` takes those apart."""
AWS_KEY = "alias/aws/example"
AWS_KEY_ARN = f"arn:aws:kms:us-east-1:111122223333:{AWS_KEY}"
Change = tuple[str, Any]


def mutants(corpus: Corpus, schemas: Schemas) -> Iterator[Mutant]:
    """Yield a mutant for every property of every resource that the lexicon knows how to break."""
    for template, logical_id, resource in corpus.resources():
        kind, values = resource["Type"], resource.get("Properties", {})
        for known in schemas.properties(kind):
            for meaning in meanings(known.path):
                if known.path == "PolicyDocument" and kind.startswith(POLICY_OWNERS):
                    continue
                for steps, operator, value in _damages(known, meaning, values):
                    yield Mutant(
                        operator=operator,
                        type=kind,
                        about=known.path,
                        control=meaning.control,
                        template=template,
                        logical_id=logical_id,
                        edits=(Edit(logical_id, ("Properties", *steps), value),),
                    )


def _damages(known: Property, meaning: Meaning, values: Any) -> Iterator[tuple[tuple[Step, ...], str, Any]]:
    places = list(places_of(values, known.path.split(".")))
    for steps, present in places:
        for operator, value in changes(meaning, known.path, present, known.allowed, required=known.required):
            yield steps, operator, value
    if not places and "." not in known.path and meaning.stance in (Stance.EXPOSES, Stance.VALUE):
        for worse in meaning.worse:
            if not known.allowed or worse in known.allowed:
                yield (known.path,), f"set {_short(worse)}", worse


def changes(
    meaning: Meaning, name: str, present: Any, allowed: tuple[str, ...] = (), *, required: bool = False
) -> Iterator[Change]:
    """Yield operator and new value for a property that is there.

    Args:
        meaning: The row of the lexicon.
        name: Its name.
        present: Its value now.
        allowed: Values the schema lists.
        required: Whether the parent cannot be without it: then it is not dropped.
    """
    if not required and meaning.stance in (Stance.KEY, Stance.PROTECTS, Stance.LASTS) and present is not False:
        yield "drop", REMOVED
    if meaning.stance is Stance.KEY and isinstance(present, str | Mapping):
        yield "aws-key", AWS_KEY_ARN if name.lower().endswith("arn") else AWS_KEY
    if meaning.stance is Stance.PROTECTS and present is True:
        yield "turn off", False
    if meaning.stance is Stance.PROTECTS and isinstance(present, str):
        yield from ((f"set {value}", value) for value in allowed if WEAK.fullmatch(value) and value != present)
    for worse in meaning.worse:
        if worse != present and (not allowed or worse in allowed) and _fits(worse, present):
            yield f"set {_short(worse)}", worse


def places_of(value: Any, path: list[str]) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """Yield the concrete places of a dotted path in a value, with what stands there; intrinsics are not entered."""
    if not path:
        yield (), value
        return
    head, rest = path[0], path[1:]
    steps: list[Step] = []
    if head == "*" and isinstance(value, list):
        steps = list(range(len(value)))
    elif head == "*" and isinstance(value, dict) and not is_intrinsic(value):
        steps = list(value)
    elif isinstance(value, dict) and head in value:
        steps = [head]
    for step in steps:
        yield from (((step, *below), found) for below, found in places_of(value[step], rest))


def is_intrinsic(value: Any) -> bool:
    """Whether CloudFormation computes this value."""
    return isinstance(value, dict) and len(value) == 1 and (next(iter(value)).startswith("Fn::") or "Ref" in value)


def _fits(worse: Any, present: Any) -> bool:
    """Whether a worse value is of the kind that stands there; an intrinsic stands for a text."""
    structured = isinstance(present, dict) and not is_intrinsic(present)
    return isinstance(worse, dict) or not structured


def _short(value: Any) -> str:
    return str(value) if isinstance(value, str | int | bool) else "worse"
