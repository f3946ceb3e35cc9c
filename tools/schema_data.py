"""Writes what the review of a change must know of every resource type, out of the schemas the CDK CLI ships.

    python tools/schema_data.py

For each type: the properties whose change replaces the resource, and whether AWS marks it as holding data.
"""

import json
from pathlib import Path

from mlops_constructs.compliance.diff.resources import SCHEMAS
from mlops_constructs.compliance.mutation.schema import Schemas


def main() -> None:
    """Write the file, one type a line."""
    schemas = Schemas()
    replacing = {kind: found for kind in schemas.types if (found := schemas.replacing(kind))}
    lines = [f"  {json.dumps(kind)}: {json.dumps(found)}" for kind, found in replacing.items()]
    stateful = ",\n".join(f"  {json.dumps(kind)}" for kind in schemas.stateful)
    text = f'{{"stateful": [\n{stateful}\n ],\n "replacing": {{\n' + ",\n".join(lines) + "\n }}\n"
    SCHEMAS.write_text(text)
    print(f"{SCHEMAS.relative_to(Path.cwd())}: {len(replacing)} types, {len(schemas.stateful)} that hold data")


if __name__ == "__main__":
    main()
