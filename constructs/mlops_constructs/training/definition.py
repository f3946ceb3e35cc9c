"""The train workflow as plain data: pin, prepare, train, judge against the champion, register.

    PinSnapshot -> Features -> [Train | Baseline | ListChampions -> DescribeChampion]
      -> [EvaluateChallenger | EvaluateChampion] -> Challenge -> (Refit) -> Register -> Model Registered
                                                              \\-> Model Rejected
    anything that breaks -> Training Failed

Only S3 addresses and a few numbers travel through the states: their payload is limited to 256 KB.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlops_constructs.orchestration.outcomes import EVENT_LOST
from mlops_constructs.orchestration.states import (
    Json,
    State,
    choice,
    emit,
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
    challenger_branch,
    champion_branch,
    defender_branch,
    job_task,
    train_branch,
    training_arguments,
)
from mlops_constructs.training.jobs import Program, job_input, job_output, processing_job
from mlops_constructs.training.recipe import TrainingContext, TrainingRecipe

START_AT = "Begin"
# A failure inside a branch reaches the Parallel state as `<step>: <cause>`; the event names the step itself.
_STEP = (
    "{% $failure.step in ['Learn', 'Evaluate'] and $contains($failure.cause, /^[A-Za-z]+: /)"
    " ? $substringBefore($failure.cause, ': ') : $failure.step %}"
)


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
            timeout_seconds=900,
            assign={
                "snapshot_id": "{% $states.result.Payload.snapshot_id %}",
                "manifests": "{% $states.result.Payload.manifests %}",
            },
        ),
        "Features": _features(context, recipe),
        "Learn": parallel(
            [train_branch(context, recipe), baseline_branch(context, recipe), champion_branch(context)],
            next="Evaluate",
            catch_next="EmitFailed",
            assign={"model": "{% $states.result[0] %}", "champion": "{% $states.result[2] %}"},
        ),
        "Evaluate": parallel(
            [challenger_branch(context, recipe), defender_branch(context, recipe)],
            next="Challenge",
            catch_next="EmitFailed",
            assign={
                "challenger_uri": "{% $states.result[0].uri %}",
                "champion_uri": _nullable("$states.result[1].uri"),
            },
        ),
        "Challenge": invoke(
            context.functions.champion_challenge,
            {
                "challenger_uri": "{% $challenger_uri %}",
                "champion_uri": "{% $champion_uri %}",
                "snapshot_id": "{% $snapshot_id %}",
            },
            next="Promoted",
            catch_next="EmitFailed",
            assign={"verdict": "{% $states.result.Payload %}"},
        ),
        "Promoted": choice([("{% $verdict.verdict = 'promote' %}", promoted)], default="EmitRejected"),
        **({"Refit": _refit(context, recipe)} if recipe.refit else {}),
        "Register": _register(context, recipe),
        **_endings(context),
    }


def _nullable(path: str) -> str:
    """JSONata of a value that may be null: a first model has no champion. A bare path to null counts as no result."""
    return f"{{% $exists({path}) ? {path} : null %}}"


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
            "metrics": "{% $verdict.metrics %}",
            "champion_metrics": _nullable("$verdict.champion_metrics"),
            "reason": "{% $verdict.reason %}",
        },
        next="EmitRegistered",
        catch_next="EmitFailed",
        assign={"registered": "{% $states.result.Payload %}"},
    )


def _endings(context: TrainingContext) -> dict[str, State]:
    verdict: dict[str, Json] = {
        "metrics": "{% $verdict.metrics %}",
        "champion_metrics": _nullable("$verdict.champion_metrics"),
        "snapshot_id": "{% $snapshot_id %}",
        "reason": "{% $verdict.reason %}",
    }
    registered: dict[str, Json] = {
        "model_package_arn": "{% $registered.model_package_arn %}",
        "version": "{% $registered.version %}",
        "approval_status": "{% $registered.approval_status %}",
    }
    failure: dict[str, Json] = {"error": "{% $failure.error %}", "cause": "{% $failure.cause %}", "step": _STEP}
    return {
        "EmitRegistered": _emit(context, "Model Registered", {**verdict, **registered}, next="Finished"),
        "EmitRejected": _emit(context, "Model Rejected", verdict, next="Finished"),
        "Finished": succeed(),
        "EmitFailed": _emit(context, "Training Failed", failure, next="Failed", catch_next="Failed"),
        "Failed": fail("{% $failure.error %}", "{% $failure.cause %}"),
    }


def _emit(
    context: TrainingContext,
    detail_type: str,
    detail: Mapping[str, Json],
    *,
    next: str,
    catch_next: str = "EmitFailed",
) -> State:
    return emit(
        context.functions.event_emitter,
        source="mlops.training",
        detail_type=detail_type,
        workload=context.workload,
        environment_name=context.environment_name,
        detail=detail,
        next=next,
        catch_next=catch_next,
        catch_assign={"failure": EVENT_LOST} if catch_next == "Failed" else None,
    )
