"""Training: workflow, registry, jobs. Serves the phase Repeatable."""

from mlops_constructs.training.functions import PromotionPolicy, TrainingData
from mlops_constructs.training.image import ContainerImage
from mlops_constructs.training.jobs import JobCompute
from mlops_constructs.training.pipeline import TrainingPipeline
from mlops_constructs.training.recipe import TrainingRecipe
from mlops_constructs.training.registry import ModelRegistry
from mlops_constructs.training.roles import TrainingRoles

__all__ = [
    "ContainerImage",
    "JobCompute",
    "ModelRegistry",
    "PromotionPolicy",
    "TrainingData",
    "TrainingPipeline",
    "TrainingRecipe",
    "TrainingRoles",
]
