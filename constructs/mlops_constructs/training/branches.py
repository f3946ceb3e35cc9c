"""The branches of the train workflow's Parallel state, and the training step they share with the refit.

A branch cannot leave its Parallel state: its Tasks catch into a Fail state of the branch, and the Parallel state
catches that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlops_constructs.orchestration.outcomes import caught_as_output, reraise
from mlops_constructs.orchestration.retries import SAGEMAKER_TRANSIENT
from mlops_constructs.orchestration.states import Json, State, branch, succeed, task
from mlops_constructs.training.jobs import (
    JOB_FAILURE,
    JobCompute,
    Program,
    job_input,
    job_output,
    processing_job,
    training_job,
)
from mlops_constructs.training.recipe import TrainingContext, TrainingRecipe

PROCESSING = "arn:aws:states:::sagemaker:createProcessingJob.sync"
TRAINING = "arn:aws:states:::sagemaker:createTrainingJob.sync"
TRAINED: dict[str, Json] = {
    "name": "{% $states.result.TrainingJobName %}",
    "arn": "{% $states.result.TrainingJobArn %}",
    "data": "{% $states.result.ModelArtifacts.S3ModelArtifacts %}",
}


def job_task(
    resource: str,
    arguments: State,
    compute: JobCompute,
    *,
    next: str,
    catch_next: str,
    output: Json,
    assign: Mapping[str, Json] | None = None,
) -> State:
    """A Task that runs one SageMaker job to its end; a failure keeps the job's own reason."""
    return task(
        resource,
        arguments,
        next=next,
        timeout_seconds=compute.timeout_seconds,
        retry=SAGEMAKER_TRANSIENT,
        catch_next=catch_next,
        catch_assign={"failure": JOB_FAILURE},
        output=output,
        assign=assign,
    )


def training_arguments(context: TrainingContext, recipe: TrainingRecipe, name: str, parts: Sequence[str]) -> State:
    """Arguments of the training job on some parts of the prepared data: `train`, or `train` and `holdout`."""
    return training_job(
        name=f"{context.job_prefix}-{name}",
        role_arn=context.training_role_arn,
        image_uri=recipe.image.uri,
        channels={part: f"{{% $run & '/features/{part}/' %}}" for part in parts},
        output_uri="{% $run & '/model' %}",
        hyperparameters=recipe.hyperparameters,
        metrics=[recipe.metric],
        compute=recipe.compute,
        boundary=context.boundary,
    )


def train_branch(context: TrainingContext, recipe: TrainingRecipe) -> State:
    """Train the challenger; hands on its job and artefact."""
    train = job_task(
        TRAINING,
        training_arguments(context, recipe, "train", ["train"]),
        recipe.compute,
        next="Trained",
        catch_next="TrainFailed",
        output=TRAINED,
    )
    return branch(
        "Train", {"Train": caught_as_output(train, JOB_FAILURE), "Trained": succeed(), "TrainFailed": reraise()}
    )


def baseline_branch(context: TrainingContext, recipe: TrainingRecipe) -> State:
    """Statistics and constraints of the training rows, for the monitor of whoever wins."""
    arguments = processing_job(
        Program(
            image_uri=recipe.monitor_image.uri,
            command=recipe.monitor_image.command("monitor.py"),
            arguments=["baseline"],
            environment=recipe.monitor_environment,
        ),
        name=f"{context.job_prefix}-baseline",
        role_arn=context.processing_role_arn,
        inputs=[job_input("dataset", "{% $run & '/features/train/' %}")],
        outputs=[job_output("baseline", "{% $run & '/baseline' %}")],
        compute=recipe.processing,
        boundary=context.boundary,
    )
    baseline = job_task(
        PROCESSING, arguments, recipe.processing, next="BaselineReady", catch_next="BaselineFailed", output={}
    )
    return branch(
        "Baseline",
        {"Baseline": caught_as_output(baseline, JOB_FAILURE), "BaselineReady": succeed(), "BaselineFailed": reraise()},
    )
