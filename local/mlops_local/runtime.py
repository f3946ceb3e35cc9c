"""What every service of the local AWS builds on: identities, authorization, registration, events and processes."""

from __future__ import annotations

import contextvars
import json
import logging
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import boto3

from .clients import Clients
from .errors import AccessDenied, AssumeRoleDenied, LocalAwsError
from .home import USAGE_FILE
from .iam.roles import RoleSessions
from .iam.usage import UsageLog
from .processes import ProcessTable

__all__ = ["AccessDenied", "AssumeRoleDenied", "LocalAwsError", "Runtime"]

logger = logging.getLogger("mlops_local")

Headers = Mapping[str, str]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]
Created = tuple[str, dict[str, Any]]
CreateResource = Callable[[str, dict[str, Any], str], Created]
UpdateResource = Callable[[str, dict[str, Any], dict[str, Any], str], Created]
DeleteResource = Callable[[str, dict[str, Any]], None]
Replaces = Callable[[dict[str, Any], dict[str, Any]], bool]


class Runtime:
    """The local AWS as its own services see it. Make it after the environment is set (see `main_loop.prepare`).

    Attributes:
        home: The one folder everything lives in.
        endpoint_url: `http://127.0.0.1:<port>`.
        account: Always `000000000000`.
        region: Always `us-east-1`.
    """

    account = "000000000000"
    region = "us-east-1"

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.endpoint_url = f"http://127.0.0.1:{port}"
        self.usage = UsageLog(home / USAGE_FILE)
        self.processes = ProcessTable()
        self._clients = Clients(self.endpoint_url, self.region)
        self._roles = RoleSessions(self.account)
        self._root = self._clients.session(
            {"aws_access_key_id": "test", "aws_secret_access_key": "test", "aws_session_token": ""}
        )

    # -- identities ---------------------------------------------------------------------------------------------

    def session_for_role(
        self, role_arn: str, service_principal: str, session_name: str, source_arn: str = ""
    ) -> boto3.Session:
        """A session as the role, for a service that acts with it; clients talk to the local AWS.

        Args:
            role_arn: Role named by a template.
            service_principal: For example `sagemaker.amazonaws.com`; the role's trust policy must allow it.
            session_name: Shows in the assumed-role ARN; unfit characters become `-`.
            source_arn: The resource on whose behalf the service acts (`aws:SourceArn` of the trust policy).

        Raises:
            AssumeRoleDenied: no such role, or it doesn't trust the service.
        """
        context = {"aws:SourceAccount": self.account, **({"aws:SourceArn": source_arn} if source_arn else {})}
        return self._clients.session(self._roles.credentials(role_arn, service_principal, session_name, context))

    def client(self, service: str, session: boto3.Session | None = None) -> Any:
        """A boto3 client against the local AWS, as the account root unless a session is given."""
        return self._clients.client(session or self._root, service)

    def environment_for(self, session: boto3.Session) -> dict[str, str]:
        """The AWS_* variables that make a child process act as a session."""
        credentials = session.get_credentials()
        if credentials is None:
            raise LocalAwsError("a session without credentials can't be handed to a process")
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_SESSION_TOKEN": credentials.token or "",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    # -- authorization ------------------------------------------------------------------------------------------

    def authorize(
        self,
        headers: Headers,
        action: str,
        resource_arn: str,
        context: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> None:
        """Lets a request through only if the caller's policies allow the action; the decision is recorded.

        Args:
            headers: Request headers, lower case, as a service handler receives them.
            action: For example `sagemaker:CreateTrainingJob`.
            resource_arn: ARN, or `*` for actions without a resource level.
            context: Condition keys of the request, for example `{"sagemaker:ModelApprovalStatus": "Approved"}`.
            query: Query parameters, where a presigned URL has its signature.

        Raises:
            AccessDenied: the handler may let it pass; a registered service renders it.
        """
        from ministack.core import iam_evaluator, router

        key = router.extract_access_key_id(dict(headers), dict(query or {}))

        def decide() -> Any:
            iam_evaluator.pin_request_origin("127.0.0.1", True)
            service = action.partition(":")[0]
            return iam_evaluator.enforce(key, action, service, self.region, resource_arn, dict(context or {}))

        # The signature was checked when the request came in. A fresh context, because the identity to decide
        # about may be another one than the request's.
        denied = contextvars.Context().run(decide)
        if denied is None:
            return
        if isinstance(denied, iam_evaluator.AuthError):
            raise AccessDenied(key, action, resource_arn, code=denied.code, message=denied.message)
        raise AccessDenied(denied.principal_arn, action, resource_arn, explicit=denied.decision == "Deny")

    def headers_for(self, session: boto3.Session, service: str) -> dict[str, str]:
        """Headers that name a session as the caller, for `authorize` where no request came in."""
        credentials = session.get_credentials()
        key = credentials.access_key if credentials else ""
        scope = f"{time.strftime('%Y%m%d', time.gmtime())}/{self.region}/{service}/aws4_request"
        return {"authorization": f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders=host, Signature=internal"}

    def pass_role(self, headers: Headers, role_arn: str, service_principal: str) -> None:
        """Checks that the caller may hand a role to a service (`iam:PassRole`, `iam:PassedToService`)."""
        self.authorize(headers, "iam:PassRole", role_arn, {"iam:PassedToService": service_principal})

    # -- registration -------------------------------------------------------------------------------------------

    def register_service(self, name: str, handler: Handler) -> None:
        """Serves an AWS service; `name` is its credential scope, for example `sagemaker`.

        The handler gets (method, path, headers, body, query) and returns (status, headers, bytes). It must call
        `authorize` for every operation. `AccessDenied` it raises becomes the service's own error.
        """
        from .gateway import serve

        serve(name, handler)

    def register_cfn_type(
        self,
        type_name: str,
        create: CreateResource,
        update: UpdateResource,
        delete: DeleteResource,
        replaces: Replaces | None = None,
    ) -> None:
        """Teaches CloudFormation a resource type. The functions run on worker threads and may call the local AWS.

        Args:
            type_name: For example `AWS::SageMaker::ModelPackageGroup`.
            create: (logical_id, properties, stack_name) -> (physical_id, attributes for Fn::GetAtt).
            update: (physical_id, old, new, stack_name) -> (physical_id, attributes).
            delete: (physical_id, properties); must succeed when the resource is gone already.
            replaces: (old, new) -> True when the change needs a new resource; then `create` runs and the
                old one is deleted when the stack's update is complete. Never, by default.
        """
        from .cloudformation.registry import register

        register(type_name, create, update, delete, replaces)

    # -- events, logs and processes -----------------------------------------------------------------------------

    def put_event(
        self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str] = ()
    ) -> None:
        """Puts an event of an AWS service (source `aws.*`) on the account's default bus."""
        from ministack.services import eventbridge

        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail, default=str),
            "Resources": list(resources),
            "EventBusName": "default",
        }
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    def popen(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, output: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        """Starts a child process that goes on, such as a model server; end it with `processes.kill`."""
        return self.processes.popen(argv, self._base_environment() | dict(env), cwd, output)

    def _base_environment(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "OMP_NUM_THREADS")
        return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONUNBUFFERED": "1"}
