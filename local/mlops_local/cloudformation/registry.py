"""Registers resource types with the emulator's CloudFormation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..patches import replace

if TYPE_CHECKING:
    from ..runtime import CreateResource, DeleteResource, Replaces, UpdateResource

_ours: set[str] = set()
_self_checking: set[str] = set()


def register(
    type_name: str,
    create: CreateResource,
    update: UpdateResource,
    delete: DeleteResource,
    replaces: Replaces | None = None,
) -> None:
    """Teaches CloudFormation a type; see `Runtime.register_cfn_type`."""
    from ministack.services.cloudformation import provisioners

    def change(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, dict[str, Any]]:
        if replaces is not None and replaces(old, new):
            # Another physical id: CloudFormation deletes the old resource in its clean-up phase.
            return create(logical_id, new, stack)
        return update(physical_id, old, new, stack)

    provisioners._RESOURCE_HANDLERS[type_name] = {
        "create": create,
        "update": change,
        "update_with_logical_id": True,
        "delete": delete,
    }
    _ours.add(type_name)


def register_native(type_name: str, handlers: dict[str, Any]) -> None:
    """Replaces the emulator's own handlers of a type by wrapped ones that call the local AWS."""
    from ministack.services.cloudformation import provisioners

    provisioners._RESOURCE_HANDLERS[type_name] = handlers
    _ours.add(type_name)


def checks_itself(type_name: str) -> bool:
    """Whether a type hands every property to its service's API, which refuses what it does not know."""
    return type_name in _self_checking


def trust(type_name: str) -> None:
    """Notes that a type checks its properties itself."""
    _self_checking.add(type_name)


def on_worker_threads() -> None:
    """Runs our types off the event loop: they call the local AWS over HTTP, which the loop must answer."""

    def also_ours(original: Callable[[str], bool]) -> Callable[[str], bool]:
        return lambda type_name: type_name in _ours or original(type_name)

    replace("ministack.services.cloudformation.stacks", "_runs_on_worker_thread", also_ours)
