"""Environments nobody has written down: every optional section of the models on and off, in few syntheses."""

import copy
import itertools
import json
import random
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from stacks.config import Environment, Workload

Choice = dict[str, bool]
WORKLOAD = "flight-delays"
# Of sections and fields that prod does without. A new optional field wants a sample here, or in prod.yaml.
SAMPLES: dict[str, Any] = {
    "audit": {"trail": {"log_group": True}},
    "permissions_boundary": "team-boundary",
    "multi_region_keys": True,
    "organisation": {
        "id": "o-abcdefghij",
        "attach_to": ["r-abcd"],
        "regions": ["us-east-1"],
        "instance_types": ["ml.m5.*"],
    },
}
EXISTING = {
    "vpc_id": "vpc-0123456789abcdef0",
    "availability_zones": ["us-east-1a", "us-east-1b"],
    "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "job_security_group_id": "sg-0123456789abcdef0",
}
PERSONAS = ("platform-admin", "data-engineer", "data-scientist", "ml-engineer", "approver", "auditor", "break-glass")
NETWORK = "network.existing"
ONE_OF = {"network", "identity.identity_center", "identity.saml", "identity.oidc"}  # chosen by `_environment`
STAGES = {"everything": "prod", "retraining-alone": "dev", "mixed": "staging", "complement": "prod"}
GUARDED = ("alerts", "budget")  # OPS-1 and OPS-3: see test_a_guarded_stage_cannot_do_without
NEEDS = {
    "identity": "alerts",  # somebody must hear of break-glass
    "audit.security_hub": "audit.config",
    "workload.monitoring": "workload.serving",
}


def full(root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data of prod and of the workload with every optional section."""
    environment = yaml.safe_load((root / "environments" / "prod.yaml").read_text())
    workload = yaml.safe_load((root / "workloads" / WORKLOAD / "workload.yaml").read_text())
    return _merged(SAMPLES, environment), _merged(workload, environment["workloads"][WORKLOAD])


def choices(root: Path) -> tuple[str, ...]:
    """Return the path of everything that may be there or not."""
    environment, workload = full(root)
    found = [*_optional(Environment, environment, ""), *_optional(Workload, workload, "workload.")]
    return (NETWORK, *found)


def rows(paths: Sequence[str]) -> dict[str, tuple[str, Choice]]:
    """Return stage and sections of each variant: all, retraining alone, and two that complement each other best."""
    everything = dict.fromkeys(paths, True)
    alone = {path: path.startswith("workload.retraining") for path in paths}
    draw = random.Random(7)
    tries = ({path: draw.random() < 0.5 for path in paths} for _ in range(200))
    found = []
    for mixed in tries:
        complement = {path: not on for path, on in mixed.items()}
        chosen = zip(STAGES.items(), (everything, alone, mixed, complement), strict=True)
        found.append({name: (stage, settled(choice, stage)) for (name, stage), choice in chosen})
    return max(found, key=lambda variants: len(covered([choice for _, choice in variants.values()])))


def settled(choice: Choice, stage: str) -> Choice:
    """Turn off what lacks what it needs, and on what the gate will not do without in a guarded stage."""
    result = dict(choice)
    if stage in ("staging", "prod"):
        result.update({path: True for path in choice if path in GUARDED})
    for path in sorted(choice, key=lambda each: each.count(".")):
        parents = [parent for parent in choice if path.startswith(f"{parent}.")]
        needed = [*parents, *([NEEDS[path]] if path in NEEDS else [])]
        result[path] = result[path] and all(result[each] for each in needed)
    parts = [path for path in choice if path.startswith("audit.") and path.count(".") == 1]
    if "audit" in result and not any(result[path] for path in parts):
        result["audit"] = False
    return result


def covered(variants: Sequence[Choice]) -> set[tuple[str, bool, str, bool]]:
    """Return every combination of two choices that some variant has."""
    return {
        (one, variant[one], other, variant[other])
        for variant in variants
        for one, other in itertools.combinations(variant, 2)
    }


def write(root: Path, folder: Path, variants: Mapping[str, tuple[str, Choice]]) -> None:
    """Write a configuration folder: an environment per variant, with the stage it is given.

    Args:
        root: The repository.
        folder: Where to.
        variants: Stage and choice by name.
    """
    (folder / "workloads").symlink_to(root / "workloads")
    (folder / "environments").mkdir()
    for number, (name, (stage, choice)) in enumerate(variants.items(), 1):
        data = _environment(root, stage, choice)
        data.update(name=name, stage=stage, account=f"{number:012d}")
        if "organisation" in data:
            data["organisation"]["id"] = f"o-variant{number:05d}"
        if "identity" in data:  # prod has Identity Center; here the two kinds of federation take turns
            del data["identity"]["identity_center"]
            data["identity"].update(_federation(data["account"], saml=number == 1))
        (folder / "environments" / f"{name}.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(data))))


def _environment(root: Path, stage: str, choice: Choice) -> dict[str, Any]:
    data, workload = copy.deepcopy(full(root))
    base = yaml.safe_load((root / "environments" / f"{stage}.yaml").read_text())
    for key in ("data_retention", "model_approval", "log_retention_days", "archive_days"):
        data[key] = base[key]
    override: dict[str, Any] = {key: workload[key] for key in ("serving", "monitoring", "retraining")}
    for path in (path for path, on in choice.items() if not on):
        name = path.removeprefix("workload.")
        if name == path:
            _drop(data, path.split("."))
        else:  # null, or the workload's own file brings it back
            _drop(override, name.split("."), null=True)
    if choice[NETWORK]:
        data["network"] = {"existing": EXISTING}
    if override["retraining"] and not override["monitoring"]:
        override["retraining"]["triggers"] = ["request"]
    data["workloads"] = {WORKLOAD: override}
    return data


def _federation(account: str, *, saml: bool) -> dict[str, Any]:
    provider = f"arn:aws:iam::{account}"
    if saml:
        return {"saml": {"provider_arn": f"{provider}:saml-provider/people", "personas": list(PERSONAS)}}
    arn = f"{provider}:oidc-provider/login.example.com"
    return {"oidc": {"provider_arn": arn, "audience": "mlops", "subjects": {name: [name] for name in PERSONAS}}}


def _merged(base: Any, over: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {key: _merged(base[key], over.get(key, base[key])) if key in base else over[key] for key in {**base, **over}}


def _drop(data: dict[str, Any], path: Sequence[str], *, null: bool = False) -> None:
    *parents, last = path
    for key in parents:
        if not isinstance(data.get(key), dict):
            return  # what is off has no parts
        data = data[key]
    if null:
        data[last] = None
    else:
        data.pop(last, None)


def _optional(model: type[BaseModel], data: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if path in ONE_OF:
            continue
        if field.default is None or field.default is False:
            assert data.get(name) not in (None, False), (
                f"{path} may be absent: give prod.yaml or SAMPLES one, so that both are tested"
            )
            yield path
        yield from _below(field.annotation, data.get(name), f"{path}.")


def _below(annotation: Any, value: Any, prefix: str) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if isinstance(value, Mapping):
            yield from _optional(annotation, value, prefix)
    elif typing.get_origin(annotation) is dict:
        for key, each in (value or {}).items():
            yield from _below(typing.get_args(annotation)[1], each, f"{prefix}{key}.")
    else:
        for part in typing.get_args(annotation):
            yield from _below(part, value, prefix)
