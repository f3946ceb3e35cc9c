"""SageMaker real-time endpoints: creation, update with rollback, weights and capacities, deletion."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ..awsjson import Request
from . import deployment
from .account import Account, Record, invalid, now, page
from .endpoint import Endpoint, capture_summary, variants_of
from .models import EndpointConfigs, Models
from .servers import Fleet, ServerError

logger = logging.getLogger(__name__)

_EVENT_FIELDS = (
    "EndpointName",
    "EndpointArn",
    "EndpointConfigName",
    "ProductionVariants",
    "CreationTime",
    "LastModifiedTime",
)
_EVENT_STATUS = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "RollingBack": "ROLLING_BACK",
    "InService": "IN_SERVICE",
    "Failed": "FAILED",
    "Deleting": "DELETING",
}
_CHANGING = ("Creating", "Updating", "RollingBack", "Deleting")
_RETAINED = ("DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig")


class Endpoints:
    """CreateEndpoint and its siblings."""

    def __init__(self, account: Account, models: Models, configs: EndpointConfigs) -> None:
        self._account, self._models, self._configs = account, models, configs
        self._endpoints: dict[str, Endpoint] = {}
        self._lock = threading.Lock()

    # -- operations ---------------------------------------------------------------------------------------------

    def create(self, request: Request) -> Record:
        """CreateEndpoint."""
        parameters = request.parameters
        name = parameters["EndpointName"]
        arn = self._account.arn("endpoint", name)
        self._account.authorize_create(request, arn)
        self._account.authorize(request, self._account.arn("endpoint-config", parameters["EndpointConfigName"]))
        config = self._config(parameters["EndpointConfigName"])
        record = {"EndpointName": name, "EndpointArn": arn, "EndpointConfigName": parameters["EndpointConfigName"]}
        record |= {"EndpointStatus": "Creating", "CreationTime": now(), "LastModifiedTime": now()}
        record["ProductionVariants"] = variants_of(config, {})
        fleet = self._fleet(name, config)  # first: from here on nothing may fail outside the endpoint's own thread
        with self._lock:
            if name in self._endpoints:
                raise invalid(f'Cannot create already existing endpoint "{arn}".')
            endpoint = self._endpoints[name] = Endpoint(record)
        self._account.add_tags(arn, parameters.get("Tags", []))
        self._emit(endpoint)
        self._in_thread(endpoint, lambda: self._bring_up(endpoint, fleet))
        return {"EndpointArn": arn}

    def update(self, request: Request) -> Record:
        """UpdateEndpoint: blue/green; the old fleet serves until the new one has proved itself."""
        parameters = request.parameters
        name = parameters["EndpointName"]
        self._account.authorize(request, self._account.arn("endpoint", name))
        self._account.authorize(request, self._account.arn("endpoint-config", parameters["EndpointConfigName"]))
        endpoint = self._find(name)
        config = self._config(parameters["EndpointConfigName"])
        plan = parameters.get("DeploymentConfig")
        if plan is None and parameters.get("RetainDeploymentConfig"):
            plan = endpoint.record.get("LastDeploymentConfig")
        deployment.check(plan)
        weights: dict[str, Record] = {}
        if parameters.get("RetainAllVariantProperties"):
            weights = self._retain(endpoint, config, parameters)
        green = self._fleet(name, config)
        with endpoint.lock:
            _refuse_changing(endpoint)
            if endpoint.record["EndpointStatus"] != "InService":
                raise invalid(
                    f'Cannot update endpoint "{endpoint.record["EndpointArn"]}" '
                    f"in status {endpoint.record['EndpointStatus']}."
                )
            variants = variants_of(config, weights)
            endpoint.record.update(EndpointStatus="Updating", LastModifiedTime=now())
            endpoint.record.pop("FailureReason", None)
            endpoint.record["PendingDeploymentSummary"] = {
                "EndpointConfigName": parameters["EndpointConfigName"],
                "ProductionVariants": variants,
                "StartTime": now(),
            }
        self._emit(endpoint)
        self._in_thread(endpoint, lambda: self._replace(endpoint, green, variants, plan))
        return {"EndpointArn": endpoint.record["EndpointArn"]}

    def update_weights(self, request: Request) -> Record:
        """UpdateEndpointWeightsAndCapacities."""
        parameters = request.parameters
        arn = self._account.arn("endpoint", parameters["EndpointName"])
        self._account.authorize(request, arn)
        endpoint = self._find(parameters["EndpointName"])
        with endpoint.lock:
            if endpoint.record["EndpointStatus"] != "InService":
                raise invalid(f'Cannot update in-progress endpoint "{arn}".')
            known = {variant["VariantName"]: variant for variant in endpoint.record["ProductionVariants"]}
            for wanted in parameters["DesiredWeightsAndCapacities"]:
                if wanted["VariantName"] not in known:
                    raise invalid(
                        f'The variant name(s) "{wanted["VariantName"]}" is/are not present within endpoint "{arn}".'
                    )
            endpoint.record.update(EndpointStatus="Updating", LastModifiedTime=now())
        self._emit(endpoint)

        def apply() -> None:
            with endpoint.lock:
                for wanted in parameters["DesiredWeightsAndCapacities"]:
                    variant = known[wanted["VariantName"]]
                    for key, kind in (("DesiredWeight", "Weight"), ("DesiredInstanceCount", "InstanceCount")):
                        if key in wanted:
                            variant[f"Desired{kind}"] = variant[f"Current{kind}"] = wanted[key]
            self._settle(endpoint, "InService")

        self._in_thread(endpoint, apply)
        return {"EndpointArn": arn}

    def describe(self, request: Request) -> Record:
        """DescribeEndpoint."""
        name = request.parameters["EndpointName"]
        self._account.authorize(request, self._account.arn("endpoint", name))
        return self._find(name).record

    def delete(self, request: Request) -> Record:
        """DeleteEndpoint: the servers end, then the endpoint is gone."""
        name = request.parameters["EndpointName"]
        arn = self._account.arn("endpoint", name)
        self._account.authorize(request, arn)
        endpoint = self._find(name)
        with endpoint.lock:
            _refuse_changing(endpoint)
            endpoint.record.update(EndpointStatus="Deleting", LastModifiedTime=now())
            fleet, endpoint.blue = endpoint.blue, None

        def remove() -> None:
            self._emit(endpoint)
            if fleet is not None:
                fleet.stop()
            self._account.drop_tags(arn)
            with self._lock:
                self._endpoints.pop(name, None)

        self._in_thread(endpoint, remove)
        return {}

    def list_all(self, request: Request) -> Record:
        """ListEndpoints."""
        self._account.authorize(request, "*")
        status = request.parameters.get("StatusEquals")
        found = [e.record for e in list(self._endpoints.values()) if not status or e.record["EndpointStatus"] == status]
        keys = {"Name": "EndpointName", "CreationTime": "CreationTime", "Status": "EndpointStatus"}
        chosen, token = page(
            found, request.parameters, sort_keys=keys, default_sort="CreationTime", name_field="EndpointName"
        )
        return {"Endpoints": chosen, "NextToken": token}

    def get(self, name: str) -> Endpoint | None:
        """The endpoint, or None."""
        return self._endpoints.get(name)

    # -- work in threads ----------------------------------------------------------------------------------------

    def _bring_up(self, endpoint: Endpoint, fleet: Fleet) -> None:
        try:
            fleet.start()
        except ServerError as error:
            self._settle(endpoint, "Failed", str(error))
            return
        self._take_over(endpoint, fleet, endpoint.record["ProductionVariants"])
        self._settle(endpoint, "InService")

    def _replace(self, endpoint: Endpoint, green: Fleet, variants: list[Record], plan: Record | None) -> None:
        def shift(share: float) -> None:
            with endpoint.lock:
                endpoint.green, endpoint.share = green, share

        instances = sum(variant["DesiredInstanceCount"] for variant in variants)
        try:
            deployment.deploy(self._account.runtime, plan, green, instances, shift)
        except (ServerError, deployment.RollbackError) as error:
            with endpoint.lock:
                endpoint.green, endpoint.share = None, 0.0
                endpoint.record["EndpointStatus"] = "RollingBack"
            self._emit(endpoint)
            green.stop()
            self._settle(endpoint, "InService", str(error))
            return
        time.sleep(deployment.termination_wait(plan))
        blue = endpoint.blue
        self._take_over(endpoint, green, variants)
        with endpoint.lock:
            endpoint.record["EndpointConfigName"] = green.config["EndpointConfigName"]
            endpoint.record["LastDeploymentConfig"] = plan
        self._settle(endpoint, "InService")
        if blue is not None:
            blue.stop()

    def _take_over(self, endpoint: Endpoint, fleet: Fleet, variants: list[Record]) -> None:
        images = fleet.images()
        with endpoint.lock:
            endpoint.blue, endpoint.green, endpoint.share = fleet, None, 0.0
            for variant in variants:
                variant["DeployedImages"] = [
                    {**image, "ResolutionTime": now()} for image in images[variant["VariantName"]]
                ]
                variant["CurrentWeight"] = variant["DesiredWeight"]
                variant["CurrentInstanceCount"] = variant["DesiredInstanceCount"]
            endpoint.record["ProductionVariants"] = variants
            endpoint.record["DataCaptureConfig"] = capture_summary(fleet.config)

    def _settle(self, endpoint: Endpoint, status: str, reason: str = "") -> None:
        with endpoint.lock:
            endpoint.record.pop("PendingDeploymentSummary", None)
            if reason:
                endpoint.record["FailureReason"] = reason[:1024]
            endpoint.record.update(LastModifiedTime=now(), EndpointStatus=status)
        self._emit(endpoint)

    def _in_thread(self, endpoint: Endpoint, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # an endpoint must leave its transitional state, whatever happened
                logger.exception("endpoint %s", endpoint.record["EndpointName"])
                self._settle(endpoint, "Failed", f"the local AWS failed: {error!r}")

        threading.Thread(target=guarded, daemon=True).start()

    # -- inside -------------------------------------------------------------------------------------------------

    def _find(self, name: str) -> Endpoint:
        if name not in self._endpoints:
            raise invalid(f'Could not find endpoint "{self._account.arn("endpoint", name)}".')
        return self._endpoints[name]

    def _config(self, name: str) -> Record:
        """A copy: an endpoint keeps serving what it was made from, even when the configuration is deleted."""
        return copy.deepcopy(self._configs.find(name))

    def _fleet(self, endpoint: str, config: Record) -> Fleet:
        names = {variant["ModelName"] for variant in config["ProductionVariants"]}
        return Fleet(self._account, endpoint, config, {name: self._models.find(name) for name in names})

    def _retain(self, endpoint: Endpoint, config: Record, parameters: Record) -> dict[str, Record]:
        excluded = {p["VariantPropertyType"] for p in parameters.get("ExcludeRetainedVariantProperties", [])}
        kept = set(_RETAINED) - excluded
        if "DataCaptureConfig" in kept and endpoint.blue is not None:
            config["DataCaptureConfig"] = endpoint.blue.config.get("DataCaptureConfig")
        return {
            variant["VariantName"]: {
                key: variant[key] for key in ("DesiredInstanceCount", "DesiredWeight") if key in kept
            }
            for variant in endpoint.record["ProductionVariants"]
        }

    def _emit(self, endpoint: Endpoint) -> None:
        record = dict(endpoint.record)
        status = _EVENT_STATUS[record["EndpointStatus"]]
        shown: dict[str, Any] = {**record, "EndpointStatus": status}
        fields = (*_EVENT_FIELDS, "EndpointStatus", "FailureReason")
        self._account.event("SageMaker Endpoint State Change", record["EndpointArn"], shown, fields)


def _refuse_changing(endpoint: Endpoint) -> None:
    """Neither updates nor deletes an endpoint that is being changed, with SageMaker's words for both."""
    if endpoint.record["EndpointStatus"] in _CHANGING:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.record["EndpointArn"]}".')
