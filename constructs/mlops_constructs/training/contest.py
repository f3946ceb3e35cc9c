"""Who competes with the challenger: the champion and its predecessors, found, described and judged on one holdout.

A run of a Map state cannot leave it: its Task catches into a Fail state, and the Map state catches that.
"""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import caught_as_output, reraise
from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import FAILURE, State, branch, fail, map_, succeed, task
from mlops_constructs.training.branches import PROCESSING, job_task
from mlops_constructs.training.jobs import JOB_FAILURE, Program, job_input, job_output, processing_job
from mlops_constructs.training.recipe import TrainingContext, TrainingRecipe
from mlops_constructs.training.registry import NO_CHAMPION

SAGEMAKER = "arn:aws:states:::aws-sdk:sagemaker"
# Two jobs at a time, as many as train and baseline: accounts begin with a few instances of a type.
_AT_A_TIME = 2
# Versions that SageMaker lists in one answer at most.
_A_PAGE = 100
CONTAINER = "$states.result.InferenceSpecification.Containers[0]"


def finding(context: TrainingContext, recipe: TrainingRecipe) -> dict[str, State]:
    """The champion and then former champions, newest first, as `$champions`; none before the first model.

    The champion is the version that the last verified deployment put in service, whatever was approved since: a person
    may have gone back to an earlier one. Where nothing serves yet, or nothing ever will, it is the newest approved
    version. Former champions are older than the champion: a younger one waits for its deployment, or was left by a
    person. A version that reinstates an earlier one holds the same model, so more are listed than judged: each model
    counts once, as the champion or as the newest version that holds it.
    """
    return {
        "ReadChampion": _read_champion(context),
        "FindChampions": _find_champions(context, recipe),
        "DescribeChampions": _describe_champions(recipe),
    }


def _read_champion(context: TrainingContext) -> State:
    # Not GetParameter: a workload that does not serve has no such parameter, and that is an answer, no error.
    return task(
        "arn:aws:states:::aws-sdk:ssm:getParameters",
        {"Names": [context.champion_parameter]},
        next="FindChampions",
        timeout_seconds=60,
        retry=sdk_transient("Ssm"),
        catch_next="EmitFailed",
        output={},
        assign={"served": f"{{% [$states.result.Parameters.Value, '{NO_CHAMPION}'][0] %}}"},
    )


def _find_champions(context: TrainingContext, recipe: TrainingRecipe) -> State:
    approved = "$states.result.ModelPackageSummaryList"
    older = f"{approved}[ModelPackageVersion < $number($split($served, '/')[-1])]"
    competing = f"$served = '{NO_CHAMPION}' ? {approved}.ModelPackageArn : [$served, {older}.ModelPackageArn]"
    return task(
        f"{SAGEMAKER}:listModelPackages",
        {
            "ModelPackageGroupName": context.group_name,
            "ModelApprovalStatus": "Approved",
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": _A_PAGE,
        },
        next="DescribeChampions",
        timeout_seconds=60,
        retry=sdk_transient("SageMaker"),
        catch_next="EmitFailed",
        output={},
        assign={"found": f"{{% [({competing})[[0..{2 * recipe.former_champions}]]] %}}"},
    )


def _describe_champions(recipe: TrainingRecipe) -> State:
    describe = describe_package(
        "{% $states.input %}",
        next="ChampionDescribed",
        catch_next="DescribeChampionFailed",
        output={
            "model_package_arn": "{% $states.result.ModelPackageArn %}",
            "version": "{% $states.result.ModelPackageVersion %}",
            "image": f"{{% {CONTAINER}.Image %}}",
            "data": f"{{% {CONTAINER}.ModelDataUrl %}}",
        },
    )
    described = branch(
        "DescribeChampion",
        {
            "DescribeChampion": caught_as_output(describe, FAILURE),
            "ChampionDescribed": succeed(),
            "DescribeChampionFailed": reraise(),
        },
    )
    distinct = (
        "{% $reduce($states.result, function($kept, $each) {"
        f" $count($kept) > {recipe.former_champions} or $each.data in $kept.data ? $kept : $append($kept, [$each])"
        " }, []) %}"
    )
    return map_(
        "{% $found %}",
        described,
        max_concurrency=_AT_A_TIME,
        next="Evaluate",
        catch_next="EmitFailed",
        output={},
        assign={"champions": distinct},
    )


def describe_package(
    name: str, *, next: str, catch_next: str, output: State, assign: dict[str, str] | None = None
) -> State:
    """A Task that describes a model package; `name` is JSONata of its ARN."""
    return task(
        f"{SAGEMAKER}:describeModelPackage",
        {"ModelPackageName": name},
        next=next,
        timeout_seconds=60,
        retry=sdk_transient("SageMaker"),
        catch_next=catch_next,
        output=output,
        assign=assign,
    )


def judging(context: TrainingContext, recipe: TrainingRecipe) -> State:
    """Judge the challenger and every champion on the same holdout, each with the image of its own package."""
    items = (
        f"{{% $append([{{'who': 'challenger', 'image': '{recipe.image.uri}', 'data': $model.data}}],"
        " $map($champions, function($each, $index) {"
        " $merge([$each, {'who': $index = 0 ? 'champion' : 'former-' & $string($each.version)}]) })) %}"
    )
    champion = "$states.result[1].uri"
    former = "$filter($states.result, function($each, $index) { $index > 1 })"
    return map_(
        items,
        _evaluating(context, recipe),
        max_concurrency=_AT_A_TIME,
        next="Challenge",
        catch_next="EmitFailed",
        output={},
        assign={
            "challenger_uri": "{% $states.result[0].uri %}",
            "champion_uri": f"{{% $exists({champion}) ? {champion} : null %}}",
            "former": f"{{% [{former}.{{'uri': uri, 'model_package_arn': model_package_arn, 'version': version}}] %}}",
        },
    )


def _evaluating(context: TrainingContext, recipe: TrainingRecipe) -> State:
    """The branch that one contestant goes through."""
    evaluate = _evaluate_model(context, recipe)
    # One step runs for several models: the failure says whose evaluation it was.
    remembered: State = {"failure": JOB_FAILURE, "who": "{% $states.input.who %}"}
    failed = "$states.input.failure"
    return branch(
        "EvaluateModel",
        {
            "EvaluateModel": caught_as_output(evaluate, remembered),
            "ModelEvaluated": succeed(),
            "EvaluateModelFailed": fail(
                f"{{% {failed}.error %}}", f"{{% {failed}.step & ': ' & $states.input.who & ': ' & {failed}.cause %}}"
            ),
        },
    )


def _evaluate_model(context: TrainingContext, recipe: TrainingRecipe) -> State:
    folder = "$run & '/evaluation/' & $states.input.who"
    arguments = processing_job(
        Program(image_uri="{% $states.input.image %}", command=recipe.image.command("evaluate.py")),
        name=context.job_prefix,
        item="$states.input.who",
        role_arn=context.processing_role_arn,
        inputs=[
            job_input("model", "{% $states.input.data %}"),
            job_input("holdout", "{% $run & '/features/holdout/' %}"),
        ],
        outputs=[job_output("evaluation", f"{{% {folder} %}}")],
        compute=recipe.processing,
        boundary=context.boundary,
    )
    return job_task(
        PROCESSING,
        arguments,
        recipe.processing,
        next="ModelEvaluated",
        catch_next="EvaluateModelFailed",
        output=f"{{% $merge([$states.input, {{'uri': {folder} & '/evaluation.json'}}]) %}}",
    )
