"""The services this package adds to, or changes in, the emulator underneath; each module has `register(runtime)`."""

from __future__ import annotations

import importlib

from .runtime import Runtime

MODULES = (
    "mlops_local.warm",
    "mlops_local.iam.enforcement",
    "mlops_local.iam.resources",
    "mlops_local.iam.actions",
    "mlops_local.iam.kms",
    "mlops_local.iam.absent",
    "mlops_local.lambdas",
    "mlops_local.stepfunctions",
    "mlops_local.eventbridge",
    "mlops_local.ecr",
    "mlops_local.schemas",
    "mlops_local.cloudformation.types",
    "mlops_local.cloudformation.completion",
    "mlops_local.cloudwatch",
    "mlops_local.vpc_endpoints",
    "mlops_local.glue",
    "mlops_local.sagemaker",
    "mlops_local.autoscaling",
    "mlops_local.iam.further",
    "mlops_local.cloudformation.properties",
    "mlops_local.refusals",  # last: it keeps what the others registered
)


def register_all(runtime: Runtime) -> None:
    """Registers every service of `MODULES`, in order."""
    for name in MODULES:
        importlib.import_module(name).register(runtime)
