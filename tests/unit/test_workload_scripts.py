"""The scripts of the workload as SageMaker starts them: separate processes that know only their folders."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import mannwhitneyu

SRC = Path(__file__).parents[2] / "workloads" / "flight-delays" / "src"
FEATURES = ["sched_dep_minutes", "day_of_week", "carrier", "origin", "dest", "distance"]
FEATURES += ["temp", "humid", "wind_speed", "precip", "pressure", "visib"]
START = datetime(2013, 1, 1, 6)
ROWS, DAYS = 4000, 50
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # so little data: waiting threads would cost more than they do


def script(home: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SRC / command[0]), *command[1:]],
        env={**os.environ, **ONE_THREAD, "OPT_ML": str(home), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(home: Path, *command: str) -> str:
    done = script(home, *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def made_flights() -> pa.Table:
    """Flights whose lateness depends on carrier and hour, so that there is something to learn."""
    random = np.random.default_rng(3)
    times = [START + timedelta(days=DAYS) * (row / ROWS) for row in range(ROWS)]
    columns: dict[str, Any] = {
        "flight_id": [f"f{row:05d}" for row in range(ROWS)],
        "event_time": pa.array(times, pa.timestamp("us")),
        "sched_dep_minutes": [time.hour * 60 + time.minute for time in times],
        "day_of_week": [time.weekday() for time in times],
        "carrier": random.choice(["UA", "DL", "B6"], ROWS),
        "origin": random.choice(["EWR", "JFK", "LGA"], ROWS),
        "dest": random.choice(["ORD", "LAX", "BOS", "MIA"], ROWS),
        "distance": random.choice([187.0, 719.0, 1089.0, 2475.0], ROWS),
    }
    for name in FEATURES[6:]:
        values = random.normal(50, 10, ROWS)
        columns[name] = pa.array(values, mask=random.random(ROWS) < 0.1)
    return pa.table(columns)


def made_labels(flights: pa.Table) -> pa.Table:
    risk = 0.15 + 0.4 * (flights["carrier"].to_numpy() == "UA") + 0.0002 * flights["sched_dep_minutes"].to_numpy()
    late = (np.random.default_rng(4).random(ROWS) < risk).astype(np.int64)
    return pa.table({"flight_id": flights["flight_id"], "event_time": flights["event_time"], "late": late})


def land(home: Path, flights: pa.Table, labels: pa.Table) -> None:
    for source, table in (("flights", flights), ("labels", labels)):
        for number, part in enumerate((table[: ROWS // 2], table[ROWS // 2 :]), 1):
            folder = home / "processing" / "input" / source / f"month=2013-{number:02d}"
            folder.mkdir(parents=True)
            pq.write_table(part, folder / f"{number}.parquet")


def give_training_job(home: Path, data: Path, channels: list[str], **hyperparameters: str) -> None:
    for name in channels:
        (home / "input" / "data" / name).mkdir(parents=True)
        shutil.copy(data / name / "data.parquet", home / "input" / "data" / name)
    (home / "input" / "config").mkdir(parents=True)
    (home / "input" / "config" / "hyperparameters.json").write_text(json.dumps(hyperparameters))


@dataclass
class Trained:
    home: Path
    sets: Path
    features_log: str
    train_log: str
    evaluation: dict[str, Any]


def evaluate(home: Path, holdout: Path) -> dict[str, Any]:
    """Packages the home's model as SageMaker does and judges it."""
    inputs = home / "processing" / "input"
    (inputs / "model").mkdir(parents=True)
    with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz") as archive:
        for path in (home / "model").iterdir():
            archive.add(path, path.name)
    shutil.copytree(holdout, inputs / "holdout")
    succeed(home, "evaluate.py")
    report = home / "processing" / "output" / "evaluation" / "evaluation.json"
    loaded: dict[str, Any] = json.loads(report.read_text())
    return loaded


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    home = tmp_path_factory.mktemp("job")
    flights = made_flights()
    labels = made_labels(flights)
    again = labels[:10]  # delivered twice
    contradiction = labels[-1:].set_column(2, "late", pa.array([1 - labels["late"][-1].as_py()]))
    land(home, pa.concat_tables([flights, flights[:5]]), pa.concat_tables([labels, again, contradiction]))
    features_log = succeed(home, "features.py", "--train-days", "30", "--holdout-days", "7")
    sets = home / "processing" / "output"
    give_training_job(home, sets, ["train"], num_round="30", seed="1")
    train_log = succeed(home, "entrypoint.py", "train")
    return Trained(home, sets, features_log, train_log, evaluate(home, sets / "holdout"))


@dataclass
class Endpoint:
    url: str
    process: subprocess.Popen[bytes]

    def invoke(self, body: bytes, content_type: str = "text/csv") -> tuple[int, str, str]:
        request = urllib.request.Request(f"{self.url}/invocations", body, {"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def scores(self, body: bytes) -> list[float]:
        return [json.loads(line)["score"] for line in self.invoke(body)[2].splitlines()]


def wait_for_ping(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/ping", timeout=1) as answer:
                assert answer.status == 200
                return
        except urllib.error.URLError:
            time.sleep(0.02)
    pytest.fail("the server never answered /ping")


@pytest.fixture(scope="module")
def endpoint(trained: Trained, unused_port: int) -> Iterator[Endpoint]:
    env = {"OPT_ML": str(trained.home), "SAGEMAKER_BIND_TO_PORT": str(unused_port), "BIND_HOST": "127.0.0.1"}
    env["MODEL_PACKAGE_VERSION"] = "7"
    process = subprocess.Popen(
        [sys.executable, str(SRC / "entrypoint.py"), "serve"], env={**os.environ, **ONE_THREAD, **env}
    )
    url = f"http://127.0.0.1:{unused_port}"
    wait_for_ping(url, process)
    yield Endpoint(url, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0


@pytest.fixture(scope="module")
def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def csv_rows(table: pa.Table) -> bytes:
    columns = [table["flight_id"].to_pylist(), *(table[name].to_pylist() for name in FEATURES)]
    rows = zip(*columns, strict=True)
    return "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows).encode()


def test_holdout_is_the_newest_labelled_days(trained: Trained) -> None:
    train, holdout = (pq.read_table(trained.sets / name / "data.parquet") for name in ("train", "holdout"))
    newest = holdout["event_time"][-1].as_py()
    boundary = newest - timedelta(days=7)
    assert holdout["event_time"][0].as_py() > boundary >= train["event_time"][-1].as_py()
    assert train["event_time"][0].as_py() > boundary - timedelta(days=30)
    assert holdout.num_rows == pytest.approx(7 * ROWS / DAYS, abs=2)
    assert train.column_names == ["flight_id", "event_time", *FEATURES, "late"]


def test_repeated_rows_count_once_and_contradictory_labels_not_at_all(trained: Trained) -> None:
    holdout = pq.read_table(trained.sets / "holdout" / "data.parquet")
    assert f"f{ROWS - 1:05d}" not in holdout["flight_id"].to_pylist()
    assert f"labels: {ROWS + 11} rows, 11 repeated, 1 contradictory" in trained.features_log
    assert f"flights: {ROWS + 5} rows, {ROWS} flights, {ROWS - 1} labelled" in trained.features_log


def test_no_label_at_all_is_refused_in_one_line(tmp_path: Path) -> None:
    flights = made_flights()
    land(tmp_path, flights, made_labels(flights).slice(0, 0))
    done = script(tmp_path, "features.py")
    message = (tmp_path / "output" / "message").read_text()
    assert done.returncode == 1
    assert message == "empty holdout: no flight has a label yet; land labels, then train again"


def test_training_prints_its_metrics_for_the_metric_definitions(trained: Trained) -> None:
    line = next(line for line in trained.train_log.splitlines() if line.startswith("train:auc="))
    assert 0.6 < float(line.partition("=")[2]) <= 1


def test_same_data_and_seed_give_the_same_model(trained: Trained, tmp_path: Path) -> None:
    give_training_job(tmp_path, trained.sets, ["train"], num_round="30", seed="1")
    succeed(tmp_path, "entrypoint.py", "train")
    for name in ("model.json", "metadata.json"):
        assert (tmp_path / "model" / name).read_bytes() == (trained.home / "model" / name).read_bytes()


def test_refit_learns_from_the_holdout_too_and_its_evaluation_says_so(trained: Trained, tmp_path: Path) -> None:
    give_training_job(tmp_path, trained.sets, ["train", "holdout"], num_round="1")
    succeed(tmp_path, "train.py")
    rows = [pq.read_table(trained.sets / name / "data.parquet").num_rows for name in ("train", "holdout")]
    assert json.loads((tmp_path / "model" / "metadata.json").read_text())["rows"] == sum(rows)
    assert evaluate(tmp_path, trained.sets / "holdout")["rows_seen_in_training"] == rows[1]


def test_unknown_command_is_refused(tmp_path: Path) -> None:
    assert "expected one of train, serve" in script(tmp_path, "entrypoint.py", "predict").stderr


def test_evaluation_has_the_layout_of_sagemaker_and_beats_chance(trained: Trained) -> None:
    metrics = trained.evaluation["binary_classification_metrics"]
    assert set(metrics) == {"auc", "log_loss"}
    assert 0.6 < metrics["auc"]["value"] < 1
    assert trained.evaluation["rows_seen_in_training"] == 0
    assert trained.evaluation["rows"] == pq.read_table(trained.sets / "holdout" / "data.parquet").num_rows


def test_endpoint_scores_as_the_evaluation_did(trained: Trained, endpoint: Endpoint) -> None:
    holdout = pq.read_table(trained.sets / "holdout" / "data.parquet")
    status, content_type, text = endpoint.invoke(csv_rows(holdout))
    answers = [json.loads(line) for line in text.splitlines()]
    assert (status, content_type) == (200, "application/jsonlines")
    assert [answer["record_id"] for answer in answers] == holdout["flight_id"].to_pylist()
    assert {answer["model_package_version"] for answer in answers} == {"7"}
    scores, late = np.array([answer["score"] for answer in answers]), holdout["late"].to_numpy() == 1
    wins = mannwhitneyu(scores[late], scores[~late]).statistic / (late.sum() * (~late).sum())
    assert wins == pytest.approx(trained.evaluation["binary_classification_metrics"]["auc"]["value"], abs=1e-9)


def test_unknown_category_scores_as_a_missing_one(endpoint: Endpoint) -> None:
    row = "x,480,2,{},EWR,ORD,719,55,60,10,0,1015,10"
    unknown, missing, known = (endpoint.scores(row.format(carrier).encode())[0] for carrier in ("ZZ", "", "UA"))
    assert unknown == missing != known


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", "send 1 to 50000 rows, got 0"),
        (b"x,480", "row 1: expected 13 values"),
        (b"x,480,2,UA,EWR,ORD,719,55,60,10,0,1015,10\n,480,2,UA,EWR,ORD,719,55,60,10,0,1015,10", "row 2: expected 13"),
        (b"x,480,2,UA,EWR,ORD,far,55,60,10,0,1015,10", "row 1: distance must be a number or empty, got 'far'"),
        (b"\xff\xfe", "the body is not UTF-8 CSV"),
    ],
)
def test_wrong_input_is_the_clients_fault_and_one_line(endpoint: Endpoint, body: bytes, line: str) -> None:
    status, _, text = endpoint.invoke(body)
    assert status == 400
    assert text.startswith(line)
    assert text.count("\n") == 1


def test_other_content_types_and_paths_are_refused(endpoint: Endpoint) -> None:
    assert endpoint.invoke(b"{}", "application/json")[0] == 415
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{endpoint.url}/models", timeout=5)


def test_a_thousand_rows_take_less_than_a_tenth_of_a_second(endpoint: Endpoint) -> None:
    body = csv_rows(made_flights()[:1000])
    best = min(_seconds(endpoint, body) for _ in range(5))
    assert best < 0.1


def _seconds(endpoint: Endpoint, body: bytes) -> float:
    start = time.perf_counter()
    assert endpoint.invoke(body)[0] == 200
    return time.perf_counter() - start
