"""The stack that every stack of the platform is."""

import aws_cdk as cdk
from constructs import Construct

from stacks.config import Environment


class PlatformStack(cdk.Stack):
    """A stack of one environment, named `mlops-<environment>-<id>`.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier, without the environment's name.
        environment: where it is deployed; account, region, bootstrap qualifier and protection come from it.
        stateful: the stack holds data; it is protected against deletion in staging and prod.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, stateful: bool = False) -> None:
        super().__init__(
            scope,
            id,
            stack_name=f"mlops-{environment.name}-{id}",
            env=cdk.Environment(account=environment.account, region=environment.region),
            synthesizer=cdk.DefaultStackSynthesizer(qualifier=environment.bootstrap_qualifier),
            termination_protection=stateful and environment.stage.guarded,
        )
        self.environment_config = environment
