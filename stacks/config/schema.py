"""JSON Schemas of the configuration files, for editors. `python -m stacks.config.schema` writes them."""

import json
from pathlib import Path

from pydantic import BaseModel

from stacks.config.environment import Environment
from stacks.config.workload import Workload

SCHEMAS: dict[str, type[BaseModel]] = {
    "environments/schema.json": Environment,
    "workloads/schema.json": Workload,
}
"""Path below the repository, and the model it describes."""


def render(model: type[BaseModel]) -> str:
    """Return the schema of a model as it stands in its file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def write(root: Path) -> None:
    """Write every schema below `root`."""
    for path, model in SCHEMAS.items():
        (root / path).write_text(render(model), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[2])
