"""The emulator underneath has no plug-in interface; every private name this package uses or replaces is listed here.

A release that moves one of them must fail at start with the name, not at run time with a wrong answer.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

from .errors import LocalAwsError

MINISTACK_VERSION = "1.5.33"

NAMES: dict[str, tuple[str, ...]] = {
    "ministack.app": ("app", "AUTH", "SERVICE_HANDLERS", "pin_request_origin", "call_service_handler_sync"),
    "ministack.core.iam_actions": (
        "SERVICE_TO_IAM_NAMESPACE",
        "_BOTOCORE_SERVICE_MAP",
        "_match_rest_action",
        "_s3_action",
        "access_denied_response",
        "extract_iam_action",
        "extract_resource_arn",
        "request_tag_context",
        "s3_additional_checks",
    ),
    "ministack.core.iam_evaluator": (
        "EvalContext",
        "AuthError",
        "EvalResult",
        "enforce",
        "pin_request_origin",
        "evaluate_resource_policy",
        "_action_matches",
        "_conditions_met",
        "_is_root_key",
        "_resolve_condition_key",
        "_service_principal_matches",
        "_resource_policy",
    ),
    "ministack.core.lambda_runtime": ("_PYTHON_WORKER_SCRIPT", "Worker", "subprocess"),
    "ministack.core.responses": ("error_response_json", "get_account_id"),
    "ministack.core.router": ("_KNOWN_AWS_SERVICE_NAMES", "detect_service", "extract_access_key_id"),
    "ministack.services.athena": ("_executions",),
    "ministack.services.cloudformation": ("_stacks",),
    "ministack.services.cloudformation.custom_resource": ("deliver_response",),
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS",),
    "ministack.services.cloudformation.stacks": ("_runs_on_worker_thread",),
    "ministack.services.cloudwatch": (
        "_alarms",
        "_calc_stats",
        "_dashboards",
        "_dims_from_list",
        "_dims_key",
        "_dispatch_alarm_actions",
        "_evaluate_alarm",
        "_evaluate_parent_alarms",
        "_metrics",
        "_record_history",
        "_stat_value",
        "_validate_alarm_tag_arn",
    ),
    "ministack.services.cloudwatch_logs": ("_create_log_stream", "_log_groups", "_put_log_events"),
    "ministack.services.ec2": ("_vpce_fields_xml",),
    "ministack.services.ecr": ("_describe_images", "_find_image", "_repositories"),
    "ministack.services.eventbridge": (
        "_put_events",
        "_invoke_target",
        "_dispatch_to_event_bus",
        "_dispatch_to_lambda",
        "_dispatch_to_sns",
        "_dispatch_to_sqs",
        "_dispatch_to_stepfunctions",
    ),
    "ministack.services.glue": ("_handle_request_sync",),
    "ministack.services.iam": ("_roles",),
    "ministack.services.kms": ("_resolve_key",),
    "ministack.services.lambda_svc": (
        "_execute_function_docker",
        "_execute_function_provided",
        "_execute_function_provided_warm",
        "_execute_function_warm",
        "_execute_function_with_config_scope",
        "_resolve_layer_version_for_attachment",
    ),
    "ministack.services.s3": (
        "handle_request",
        "_bucket_default_sse_headers",
        "_buckets",
        "_object_record_from_version",
        "_object_versions",
    ),
    "ministack.services.stepfunctions": (
        "_ExecutionError",
        "_SFN_WAIT_SCALE",
        "_add_event",
        "_create_state_machine",
        "_emit_execution_status_event",
        "_error_matches",
        "_execute_map",
        "_execute_parallel",
        "_execute_pass",
        "_execute_task",
        "_executions",
        "_fail_execution",
        "_invoke_activity",
        "_invoke_resource",
        "_invoke_resource_with_timeout",
        "_invoke_with_callback",
        "_run_execution",
        "_run_parallel_branches",
        "_run_sub_machine",
        "_scaled_sleep",
        "_start_execution",
        "_state_machines",
        "_task_tokens",
        "_update_state_machine",
        "now_iso",
    ),
    "ministack.services.sts": ("register_session", "_sessions"),
}


def check_names() -> None:
    """Makes sure the installed emulator is the release this package was written for.

    Raises:
        LocalAwsError: another version, or a name that is gone.
    """
    installed = importlib.metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        raise LocalAwsError(
            f"ministack {installed} is installed, this local AWS needs {MINISTACK_VERSION}: "
            "run `pip install -r requirements-dev.txt`"
        )
    for module, names in NAMES.items():
        loaded = importlib.import_module(module)
        for name in names:
            if not hasattr(loaded, name):
                raise LocalAwsError(
                    f"ministack {installed} has no {module}.{name}: the installation is damaged, "
                    "run `pip install --force-reinstall -r requirements-dev.txt`"
                )


def replace(module: str, name: str, make: Callable[[Any], Any]) -> None:
    """Replaces `module.name` by `make(original)`; the name must be listed in `NAMES`."""
    if name not in NAMES.get(module, ()):
        raise LocalAwsError(f"{module}.{name} is replaced but not listed in patches.NAMES")
    loaded = importlib.import_module(module)
    original = getattr(loaded, name)
    setattr(loaded, name, make(original))
