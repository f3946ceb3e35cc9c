"""Processing job: scores the holdout with a packaged model and writes SageMaker's model quality report."""

import json
from datetime import datetime

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

import job
from metrics import auc, log_loss
from model import Model
from schema import CATEGORICAL, EVENT_TIME, FEATURES, LABEL


def main() -> None:
    """Reads `input/model/model.tar.gz` and `input/holdout`, writes `output/evaluation/evaluation.json`."""
    processing = job.opt_ml() / "processing"
    model = Model.load_archive(processing / "input" / "model" / "model.tar.gz")
    rows = pq.read_table(job.parquet_files(processing / "input" / "holdout"), columns=[EVENT_TIME, *FEATURES, LABEL])
    if rows.num_rows == 0:
        raise job.InputError("the holdout has no rows: nothing to evaluate on")
    columns = {
        name: rows[name].to_pylist() if name in CATEGORICAL else rows[name].to_numpy().astype(np.float32)
        for name in FEATURES
    }
    labels = rows[LABEL].to_numpy()
    trained_to = datetime.fromisoformat(model.metadata["newest_event_time"])
    scores = model.predict(columns)
    report = {
        "binary_classification_metrics": {
            "auc": {"value": auc(labels, scores)},
            "log_loss": {"value": log_loss(labels, scores)},
        },
        "rows": rows.num_rows,
        # More than 0 flatters the model: a refit champion judged again on days it has learnt from.
        "rows_seen_in_training": pc.sum(pc.less_equal(rows[EVENT_TIME], trained_to)).as_py(),
    }
    output = processing / "output" / "evaluation"
    output.mkdir(parents=True, exist_ok=True)
    (output / "evaluation.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report))


if __name__ == "__main__":
    job.run(main)
