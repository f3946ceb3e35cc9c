"""Application Auto Scaling for SageMaker endpoint variants: targets and policies are kept, nothing is scaled.

A local variant is one process, so scaling it would mean nothing. Everything else is refused.
"""

from __future__ import annotations

import re
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from .awsjson import JsonService, Operation, Request, ServiceError
from .runtime import Runtime

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_RESOURCE = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)$")

Record = dict[str, Any]
_Key = tuple[str, str]


class ScalableTargets:
    """Scalable targets and their policies."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._targets: dict[_Key, Record] = {}
        self._policies: dict[tuple[str, str, str], Record] = {}
        self._lock = threading.Lock()

    def register(self, request: Request) -> Record:
        """RegisterScalableTarget; the variant must exist."""
        parameters = request.parameters
        self._authorize(request)
        key = self._key(parameters)
        self._check_variant(request, parameters["ResourceId"])
        with self._lock:
            target = self._targets.get(key)
            if target is None:
                if "MinCapacity" not in parameters or "MaxCapacity" not in parameters:
                    raise _invalid("MinCapacity and MaxCapacity are required for a new scalable target")
                identity = uuid.uuid4().hex
                arn = f"arn:aws:application-autoscaling:{self._runtime.region}:{self._runtime.account}"
                target = {"CreationTime": datetime.now(UTC), "ScalableTargetARN": f"{arn}:scalable-target/{identity}"}
            fields = (
                "ServiceNamespace",
                "ResourceId",
                "ScalableDimension",
                "MinCapacity",
                "MaxCapacity",
                "SuspendedState",
            )
            changed = {**target, **{name: parameters[name] for name in fields if name in parameters}}
            if changed["MinCapacity"] > changed["MaxCapacity"]:
                raise _invalid(
                    f"MinCapacity {changed['MinCapacity']} must not be above MaxCapacity {changed['MaxCapacity']}"
                )
            changed["RoleARN"] = (
                f"arn:aws:iam::{self._runtime.account}:role/aws-service-role/sagemaker.application-autoscaling."
                "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
            )
            self._targets[key] = changed
        return {"ScalableTargetARN": changed["ScalableTargetARN"]}

    def deregister(self, request: Request) -> Record:
        """DeregisterScalableTarget; its policies go with it."""
        self._authorize(request)
        key = self._key(request.parameters)
        with self._lock:
            self._target(key)
            del self._targets[key]
            self._policies = {name: policy for name, policy in self._policies.items() if name[:2] != key}
        return {}

    def describe(self, request: Request) -> Record:
        """DescribeScalableTargets."""
        parameters = request.parameters
        self._authorize(request)
        wanted = parameters.get("ResourceIds")
        found = [target for target in self._targets.values() if not wanted or target["ResourceId"] in wanted]
        return _page("ScalableTargets", [t for t in found if _matches(t, parameters)], parameters)

    def put_policy(self, request: Request) -> Record:
        """PutScalingPolicy for target tracking; no alarm is made."""
        parameters = request.parameters
        self._authorize(request)
        key = self._key(parameters)
        with self._lock:
            target = self._target(key)
            name = (*key, parameters["PolicyName"])
            known = self._policies.get(name)
            if known is None and parameters.get("PolicyType") != "TargetTrackingScaling":
                raise _invalid("the local AWS takes policies of type TargetTrackingScaling only")
            prefix = target["ScalableTargetARN"].replace("scalable-target/", "scalingPolicy:")
            arn = f"{prefix}:resource/sagemaker/{parameters['ResourceId']}:policyName/{parameters['PolicyName']}"
            kept = known or {"CreationTime": datetime.now(UTC), "PolicyARN": arn, "Alarms": []}
            self._policies[name] = {**kept, **parameters}
        return {"PolicyARN": self._policies[name]["PolicyARN"], "Alarms": []}

    def delete_policy(self, request: Request) -> Record:
        """DeleteScalingPolicy."""
        self._authorize(request)
        name = (*self._key(request.parameters), request.parameters["PolicyName"])
        with self._lock:
            if name not in self._policies:
                raise ServiceError("ObjectNotFoundException", f"No scaling policy found for {' '.join(name)}")
            del self._policies[name]
        return {}

    def describe_policies(self, request: Request) -> Record:
        """DescribeScalingPolicies."""
        parameters = request.parameters
        self._authorize(request)
        names, resource = parameters.get("PolicyNames"), parameters.get("ResourceId")
        found = [
            policy
            for policy in self._policies.values()
            if (not names or policy["PolicyName"] in names)
            and resource in (None, policy["ResourceId"])
            and _matches(policy, parameters)
        ]
        return _page("ScalingPolicies", found, parameters)

    # -- inside -------------------------------------------------------------------------------------------------

    def _authorize(self, request: Request) -> None:
        parameters = request.parameters
        describes = request.operation.startswith("Describe")
        key = (parameters.get("ResourceId", ""), parameters.get("ScalableDimension", ""))
        target = self._targets.get(key, {}).get("ScalableTargetARN")
        prefix = f"arn:aws:application-autoscaling:{self._runtime.region}:{self._runtime.account}"
        context = {
            "application-autoscaling:service-namespace": parameters["ServiceNamespace"],
            "application-autoscaling:scalable-dimension": parameters.get("ScalableDimension"),
        }
        self._runtime.authorize(
            request.headers,
            f"application-autoscaling:{request.operation}",
            "*" if describes else target or f"{prefix}:scalable-target/*",
            {name: value for name, value in context.items() if value},
        )

    def _key(self, parameters: Record) -> _Key:
        if parameters["ServiceNamespace"] != "sagemaker" or parameters["ScalableDimension"] != DIMENSION:
            raise _invalid(f"the local AWS scales {DIMENSION} of sagemaker only")
        if not _RESOURCE.match(parameters["ResourceId"]):
            raise _invalid(f"ResourceId must be endpoint/<name>/variant/<name>, got {parameters['ResourceId']}")
        return parameters["ResourceId"], parameters["ScalableDimension"]

    def _target(self, key: _Key) -> Record:
        if key not in self._targets:
            message = f"No scalable target registered for service namespace: sagemaker, resource ID: {key[0]}"
            raise ServiceError("ObjectNotFoundException", f"{message}, scalable dimension: {key[1]}")
        return self._targets[key]

    def _check_variant(self, request: Request, resource_id: str) -> None:
        match = _RESOURCE.match(resource_id)
        name, variant = (match["endpoint"], match["variant"]) if match else ("", "")
        arn = f"arn:aws:sagemaker:{self._runtime.region}:{self._runtime.account}:endpoint/{name.lower()}"
        self._runtime.authorize(request.headers, "sagemaker:DescribeEndpoint", arn)
        try:
            endpoint = self._runtime.client("sagemaker").describe_endpoint(EndpointName=name)
        except ClientError as error:
            raise _invalid(f"SageMaker endpoint does not exist: {error.response['Error']['Message']}") from error
        if variant not in {found["VariantName"] for found in endpoint["ProductionVariants"]}:
            raise _invalid(f"SageMaker endpoint {name} has no variant {variant}")


def register(runtime: Runtime) -> None:
    """Serves Application Auto Scaling."""
    targets = ScalableTargets(runtime)
    operations: dict[str, Operation] = {
        "RegisterScalableTarget": targets.register,
        "DeregisterScalableTarget": targets.deregister,
        "DescribeScalableTargets": targets.describe,
        "PutScalingPolicy": targets.put_policy,
        "DeleteScalingPolicy": targets.delete_policy,
        "DescribeScalingPolicies": targets.describe_policies,
    }
    service = JsonService(runtime, "application-autoscaling", operations, threads=8)
    runtime.register_service("application-autoscaling", service.handle)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _matches(record: Record, parameters: Record) -> bool:
    return record["ServiceNamespace"] == parameters["ServiceNamespace"] and parameters.get("ScalableDimension") in (
        None,
        record["ScalableDimension"],
    )


def _page(field: str, found: list[Record], parameters: Record) -> Record:
    start, size = int(parameters.get("NextToken") or 0), parameters.get("MaxResults", 50)
    return {field: found[start : start + size], "NextToken": str(start + size) if start + size < len(found) else None}
