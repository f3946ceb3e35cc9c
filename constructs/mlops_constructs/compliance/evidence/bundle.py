"""The evidence bundle: every file of a review, written into one folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.evidence.html import page
from mlops_constructs.compliance.evidence.manifest import manifest
from mlops_constructs.compliance.evidence.oscal import oscal
from mlops_constructs.compliance.evidence.review import Review
from mlops_constructs.compliance.evidence.sarif import sarif
from mlops_constructs.compliance.evidence.tables import findings_csv

MARK = "manifest.json"


def write_bundle(review: Review, out: Path) -> Path:
    """Write the bundle, in place of an earlier one; the bytes depend on the review alone.

    Args:
        review: From `review`.
        out: Folder of the bundle; made if missing.

    Returns:
        The manifest's path.

    Raises:
        FileExistsError: The folder holds something else than an earlier bundle.
    """
    _clear(out)
    files = contents(review)
    files[MARK] = _json(manifest(review.document, files))
    for name, content in files.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return out / MARK


def contents(review: Review) -> dict[str, bytes]:
    """Every file of the bundle but the manifest, by its name in it."""
    document = review.document
    return {
        "review.json": _json(document),
        "index.html": page(document).encode(),
        "findings.csv": findings_csv(document).encode(),
        "review.sarif": _json(sarif(document)),
        "oscal-assessment-results.json": _json(oscal(document)),
        **{f"templates/{path.name}": path.read_bytes() for path in review.templates},
    }


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _clear(out: Path) -> None:
    """Remove an earlier bundle: a template that is gone must not stay behind as evidence."""
    if not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not (out / MARK).is_file()):
        raise FileExistsError(f"{out} holds something else than a review: name another folder, or empty it")
    shutil.rmtree(out)
