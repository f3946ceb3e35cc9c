"""The train workflow as plain data: pin, prepare, train, judge against the champion, register.

    PinSnapshot -> Features -> [Train | Baseline] -> ReadChampion -> FindChampions -> DescribeChampions (each)
      -> Evaluate (challenger, champion, each former champion) -> Challenge
    the challenger wins -> (Refit) -> Register -> Model Registered
    a former champion is best again -> DescribeFormer -> Reinstate -> Model Registered
    the champion stays -> Model Rejected
    anything that breaks -> Training Failed

Only S3 addresses and a few numbers travel through the states: their payload is limited to 256 KB.
"""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import Announcer
from mlops_constructs.orchestration.states import (
    Json,
    State,
    choice,
    fail,
    invoke,
    parallel,
    pass_,
    succeed,
)
from mlops_constructs.training.branches import (
    PROCESSING,
    TRAINED,
    TRAINING,
    baseline_branch,
    job_task,
    train_branch,
    training_arguments,
)
from mlops_constructs.training.contest import CONTAINER, describe_package, finding, judging
from mlops_constructs.training.jobs import Program, job_input, job_output, processing_job
from mlops_constructs.training.recipe import TrainingContext, TrainingRecipe

START_AT = "Begin"
# A failure inside a branch reaches the Parallel or Map state as `<step>: <cause>`; the event names the step itself.
_STEP = (
    "{% $failure.step in ['Learn', 'DescribeChampions', 'Evaluate'] and $contains($failure.cause, /^[A-Za-z]+: /)"
    " ? $substringBefore($failure.cause, ': ') : $failure.step %}"
)

_JUDGEMENT: dict[str, Json] = {
    "metrics": "{% $verdict.metrics %}",
    # A first model has no champion, and a bare path to null counts as no result.
    "champion_metrics": "{% $exists($verdict.champion_metrics) ? $verdict.champion_metrics : null %}",
    "reason": "{% $verdict.reason %}",
}


def definition(context: TrainingContext, recipe: TrainingRecipe) -> dict[str, State]:
    """All states of the train workflow, first state `START_AT`."""
    promoted = "Refit" if recipe.refit else "Register"
    return {
        START_AT: _begin(context),
        "PinSnapshot": invoke(
            context.functions.pin_snapshot,
            {"run_id": "{% $states.context.Execution.Name %}"},
            next="Features",
            catch_next="EmitFailed",
            assign={
                "snapshot_id": "{% $states.result.Payload.snapshot_id %}",
                "manifests": "{% $states.result.Payload.manifests %}",
            },
        ),
        "Features": _features(context, recipe),
        "Learn": parallel(
            [train_branch(context, recipe), baseline_branch(context, recipe)],
            next="ReadChampion",
            catch_next="EmitFailed",
            output={},
            assign={"model": "{% $states.result[0] %}"},
        ),
        **finding(context, recipe),
        "Evaluate": judging(context, recipe),
        "Challenge": invoke(
            context.functions.champion_challenge,
            {
                "challenger_uri": "{% $challenger_uri %}",
                "champion_uri": "{% $champion_uri %}",
                "former": "{% $former %}",
                "snapshot_id": "{% $snapshot_id %}",
            },
            next="Promoted",
            catch_next="EmitFailed",
            assign={"verdict": "{% $states.result.Payload %}"},
        ),
        "Promoted": choice(
            [
                ("{% $verdict.verdict = 'promote' %}", promoted),
                ("{% $verdict.verdict = 'reinstate' %}", "DescribeFormer"),
            ],
            default="EmitRejected",
        ),
        **({"Refit": _refit(context, recipe)} if recipe.refit else {}),
        "Register": _register(context, recipe),
        **_reinstatement(context),
        **_endings(context),
    }


def _begin(context: TrainingContext) -> State:
    return pass_(
        next="PinSnapshot",
        assign={"run": f"{{% '{context.runs_uri}/' & $states.context.Execution.Name %}}"},
    )


def _features(context: TrainingContext, recipe: TrainingRecipe) -> State:
    days = ["--train-days", str(recipe.train_days), "--holdout-days", str(recipe.holdout_days)]
    arguments = processing_job(
        Program(image_uri=recipe.image.uri, command=recipe.image.command("features.py"), arguments=days),
        name=f"{context.job_prefix}-features",
        role_arn=context.processing_role_arn,
        inputs=[job_input(s, f"{{% $manifests.`{s}` %}}", data_type="ManifestFile") for s in recipe.sources],
        outputs=[job_output(part, f"{{% $run & '/features/{part}' %}}") for part in ("train", "holdout")],
        compute=recipe.processing,
        boundary=context.boundary,
    )
    return job_task(PROCESSING, arguments, recipe.processing, next="Learn", catch_next="EmitFailed", output={})


def _refit(context: TrainingContext, recipe: TrainingRecipe) -> State:
    # The challenge is won, so the newest rows need not be held back any longer; the same recipe learns from them too.
    return job_task(
        TRAINING,
        training_arguments(context, recipe, "refit", ["train", "holdout"]),
        recipe.compute,
        next="Register",
        catch_next="EmitFailed",
        output={},
        assign={"model": TRAINED},
    )


def _register(context: TrainingContext, recipe: TrainingRecipe) -> State:
    return invoke(
        context.functions.register_model,
        {
            "run_id": "{% $states.context.Execution.Name %}",
            "execution": "{% $states.context.Execution.Id %}",
            "training_job_name": "{% $model.name %}",
            "training_job_arn": "{% $model.arn %}",
            "model_data_url": "{% $model.data %}",
            "image": recipe.image.uri,
            "evaluation_uri": "{% $challenger_uri %}",
            "baseline_uri": "{% $run & '/baseline/' %}",
            "snapshot_id": "{% $snapshot_id %}",
            **_JUDGEMENT,
        },
        next="EmitRegistered",
        catch_next="EmitFailed",
        assign={"registered": "{% $states.result.Payload %}"},
    )


def _reinstatement(context: TrainingContext) -> dict[str, State]:
    """A former champion is best again: a new version with its model, its baselines and its origin. Nothing is trained.

    `run_id` to `snapshot_id` say how the model was made, as for every version; `reinstatement` who brought it back.
    """
    package = "$states.result"
    statistics = f"{package}.DriftCheckBaselines.ModelDataQuality.Statistics.S3Uri"
    describe = describe_package(
        "{% $verdict.winner.model_package_arn %}",
        next="Reinstate",
        catch_next="EmitFailed",
        output={},
        assign={
            "image": f"{{% {CONTAINER}.Image %}}",
            "data": f"{{% {CONTAINER}.ModelDataUrl %}}",
            "baseline_uri": f"{{% $substringBefore({statistics}, 'statistics.json') %}}",
            "origin": f"{{% {package}.CustomerMetadataProperties %}}",
        },
    )
    reinstate = invoke(
        context.functions.register_model,
        {
            "run_id": "{% $origin.run_id %}",
            "execution": "{% $origin.execution %}",
            "training_job_name": "{% $origin.training_job %}",
            "training_job_arn": "{% $origin.training_job_arn %}",
            "model_data_url": "{% $data %}",
            "image": "{% $image %}",
            "baseline_uri": "{% $baseline_uri %}",
            "snapshot_id": "{% $origin.snapshot_id %}",
            **_JUDGEMENT,
            "evaluation_uri": "{% $verdict.winner.uri %}",
            "reinstatement": {
                "reinstates": "{% $verdict.winner.model_package_arn %}",
                "run_id": "{% $states.context.Execution.Name %}",
                "execution": "{% $states.context.Execution.Id %}",
            },
        },
        next="EmitRegistered",
        catch_next="EmitFailed",
        assign={"registered": "{% $states.result.Payload %}"},
    )
    return {"DescribeFormer": describe, "Reinstate": reinstate}


def _endings(context: TrainingContext) -> dict[str, State]:
    events = Announcer(
        source="mlops.training",
        event_emitter=context.functions.event_emitter,
        workload=context.workload,
        environment_name=context.environment_name,
    )
    verdict: dict[str, Json] = {**_JUDGEMENT, "snapshot_id": "{% $snapshot_id %}"}
    registered: dict[str, Json] = {
        "model_package_arn": "{% $registered.model_package_arn %}",
        "version": "{% $registered.version %}",
        "approval_status": "{% $registered.approval_status %}",
    }
    failure: dict[str, Json] = {"error": "{% $failure.error %}", "cause": "{% $failure.cause %}", "step": _STEP}
    return {
        "EmitRegistered": events.event("Model Registered", {**verdict, **registered}, next="Finished"),
        "EmitRejected": events.event("Model Rejected", verdict, next="Finished"),
        "Finished": succeed(),
        "EmitFailed": events.event("Training Failed", failure, next="Failed", catch_next="Failed"),
        "Failed": fail("{% $failure.error %}", "{% $failure.cause %}"),
    }
