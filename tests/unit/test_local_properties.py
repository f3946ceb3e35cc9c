"""What the local AWS vouches for covers the templates of environment `local`."""

from __future__ import annotations

from mlops_local.cloudformation.properties import ACCEPTED
from mlops_local.cloudformation.types import TYPES
from tests.assembly import Assembly


def test_every_type_and_property_of_the_local_templates_is_vouched_for(assembly: Assembly) -> None:
    generic = {kind.name for kind in TYPES}
    dropped = []
    for _, stack, logical_id, resource in assembly.resources(environment="local"):
        kind, properties = resource["Type"], set(resource.get("Properties", {}))
        if kind in generic or kind.startswith("Custom::"):
            continue
        if kind not in ACCEPTED or properties - ACCEPTED[kind]:
            dropped.append(f"{stack} {logical_id} {kind} {sorted(properties - ACCEPTED.get(kind, frozenset()))}")
    assert not dropped
