"""Write the policies as files, for whoever runs the organisation: `python -m mlops_constructs.organisation OUT ...`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_constructs.organisation.documents import Document, documents
from mlops_constructs.organisation.settings import OrganisationSettings


def write(folder: Path, found: Sequence[Document]) -> list[Path]:
    """Write one JSON file per policy, named after type and name, and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for each in found:
        path = folder / f"{each.kind.lower().replace('_', '-')}.{each.name}.json"
        path.write_text(json.dumps(each.content, indent=2) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def main(arguments: Sequence[str]) -> int:
    """Parse, write, say what was written; 2 when the settings cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m mlops_constructs.organisation", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the files")
    parser.add_argument("--organisation", required=True, metavar="o-ID")
    parser.add_argument("--region", action="append", required=True, dest="regions", help="may be given many times")
    chosen = parser.parse_args(arguments)
    try:
        settings = OrganisationSettings(organisation_id=chosen.organisation, regions=tuple(chosen.regions))
        found = documents(settings)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for path, each in zip(write(chosen.out, found), found, strict=True):
        sys.stdout.write(f"{path}  {len(each.text)} characters\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
