"""Lambda functions: the real exception class for callers, public layers from this interpreter, unknown ones refused."""

from __future__ import annotations

import importlib.metadata
import re
import threading
from typing import TYPE_CHECKING, Any

from .errors import LocalAwsError
from .lambda_fork import use_for_functions
from .patches import replace

if TYPE_CHECKING:
    from .runtime import Runtime

# Powertools for AWS Lambda (Python), published by AWS for every region and architecture.
_POWERTOOLS = re.compile(
    r"arn:aws:lambda:[\w-]+:017000801446:layer:AWSLambdaPowertoolsPythonV(\d+)-python3\d+-(?:x86_64|arm64):\d+$"
)

# A handler's exception leaves the process alive on AWS. The emulator's worker dies of any error,
# so a handler's own is handed over as a result and turned back into an error by `_invoke`.
_WORKER_ERROR = (
    '_real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")'
)
_WORKER_FAILURE = (
    '_real_stdout.write(json.dumps({"status": "ok", "failure": {"error": str(e), "errorType": type(e).__name__, '
    '"trace": traceback.format_exc()}}) + "\\n")'
)
_failure = threading.local()


def register(runtime: Runtime) -> None:
    """Replaces the parts of the emulator's Lambda that differ from the real service."""
    use_for_functions(runtime)
    replace("ministack.core.lambda_runtime", "_PYTHON_WORKER_SCRIPT", _worker_script)
    from ministack.core import lambda_runtime

    lambda_runtime.Worker.invoke = _invoking(lambda_runtime.Worker.invoke)
    replace("ministack.services.lambda_svc", "_execute_function_warm", _executing)
    for name in ("_execute_function_docker", "_execute_function_provided", "_execute_function_provided_warm"):
        replace("ministack.services.lambda_svc", name, lambda _: _unsupported)
    replace("ministack.services.lambda_svc", "_execute_function_with_config_scope", _answering)
    replace("ministack.services.lambda_svc", "_resolve_layer_version_for_attachment", _resolving_layers)


def _worker_script(script: str) -> str:
    if script.count(_WORKER_ERROR) != 1:
        raise LocalAwsError("the emulator's Lambda worker script has changed: patches.MINISTACK_VERSION must follow")
    return script.replace(_WORKER_ERROR, _WORKER_FAILURE)


def _invoking(original: Any) -> Any:
    def invoke(worker: Any, *args: Any, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = original(worker, *args, **options)
        failure = answer.get("failure")
        _failure.details = failure
        return {**answer, "status": "error", **failure} if failure else answer

    return invoke


def _executing(original: Any) -> Any:
    def execute(function: dict[str, Any], *args: Any, **options: Any) -> dict[str, Any]:
        if not function.get("code_zip"):
            return _unsupported(function)
        _failure.details = None
        result: dict[str, Any] = original(function, *args, **options)
        details = getattr(_failure, "details", None)
        body = result.get("body")
        if details and result.get("error") and isinstance(body, dict):
            lines = [line for line in details["trace"].splitlines() if line.strip()]
            body.update(errorMessage=details["error"], errorType=details["errorType"], stackTrace=lines[1:-1])
        return result

    return execute


def _unsupported(function: dict[str, Any], *_: Any) -> dict[str, Any]:
    """The emulator answers for functions it can't run; here that is an error with the function's name."""
    configuration = function.get("config") or function
    message = (
        f"the local AWS can't run {configuration.get('FunctionName')}: package {configuration.get('PackageType')}, "
        f"runtime {configuration.get('Runtime') or 'none'}; it runs Python and Node.js from a zip file"
    )
    return {"body": {"errorType": "Runtime.NotSupported", "errorMessage": message}, "error": True, "log": message}


def _answering(original: Any) -> Any:
    """A function that fails before it answers CloudFormation fails its resource now, not after an hour's wait."""

    def execute(function: dict[str, Any], event: Any, *args: Any, **options: Any) -> dict[str, Any]:
        result: dict[str, Any] = original(function, event, *args, **options)
        if result.get("error") and isinstance(event, dict) and "/cfn-response/" in str(event.get("ResponseURL")):
            from ministack.services.cloudformation import custom_resource

            token = str(event["ResponseURL"]).rpartition("/")[2]
            reason = f"the function failed without an answer: {result.get('body')}"
            custom_resource.deliver_response(token, {"Status": "FAILED", "Reason": reason})
        return result

    return execute


def _resolving_layers(original: Any) -> Any:
    from ministack.core.responses import error_response_json, get_account_id

    def refused(message: str) -> Any:
        return None, error_response_json("InvalidParameterValueException", message, 400)

    def resolve(layer_arn: str) -> Any:
        if layer_arn.split(":")[4:5] == [get_account_id()]:
            return original(layer_arn)
        match = _POWERTOOLS.match(layer_arn)
        if match is None:
            return refused(f"the local AWS has no layer {layer_arn}: only Powertools of other accounts' layers")
        installed = importlib.metadata.version("aws-lambda-powertools")
        if installed.split(".")[0] != match.group(1):
            return refused(f"{layer_arn} is not the Powertools {installed} of this interpreter")
        return {"Content": {"CodeSize": 0}}, None  # size 0: nothing to unpack, site-packages has it

    return resolve
