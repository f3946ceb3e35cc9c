"""`python -m mlops_local.demo.check FOLDER`: recompute the platform's figures from predictions.parquet alone."""

from __future__ import annotations

import sys
from pathlib import Path

from mlops_local.demo.metrics import RecomputeError, mean, recompute


def main(folder: Path) -> int:
    """Print the recomputed figures; exit code 1 when they differ from result.json or the folder is of no run."""
    missing = [name for name in ("predictions.parquet", "result.json") if not (folder / name).is_file()]
    if missing:
        print(f"error: {folder} lacks {' and '.join(missing)}: run `make demo`, or name its folder", file=sys.stderr)
        return 1
    try:
        served = recompute(folder / "predictions.parquet", folder / "result.json")
    except RecomputeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for month, figures in served.items():
        print(f"{month}  rows {figures.rows:6d}  AUC {figures.auc:.4f}  log loss {figures.log_loss:.4f}")
    print(f"mean     AUC {mean(served.values()).auc:.4f}: result.json says the same")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo")))
