"""The program in the test image: trains, processes and serves, and misbehaves on request."""

# ruff: noqa: T201  (its output is the log)

import http.server
import json
import os
import signal
import sys
import time
from pathlib import Path

ML = Path(os.environ.get("OPT_ML", "/opt/ml"))


def train() -> None:
    parameters = json.loads((ML / "input/config/hyperparameters.json").read_text())
    seen = sorted(str(p.relative_to(ML / "input/data")) for p in (ML / "input/data").rglob("*") if p.is_file())
    print("seen", json.dumps(seen))
    print("credentials", "AWS_ACCESS_KEY_ID" in os.environ, "image", os.environ.get("FROM_IMAGE"))
    print("job", os.environ["TRAINING_JOB_NAME"], "extra", os.environ.get("EXTRA"))
    if parameters.get("sleep"):
        signal.signal(signal.SIGTERM, lambda *_: (print("asked to stop"), sys.exit(0)))
        (ML / "model/partial").write_text("half")
        time.sleep(float(parameters["sleep"]))
    if parameters.get("fail"):
        (ML / "output/failure").write_text(parameters["fail"])
        sys.exit(3)
    print("train:auc=0.5\ntrain:auc=0.75")
    (ML / "model/weights.json").write_text(json.dumps({"seen": seen}))
    if parameters.get("extra_output"):
        (ML / "output/data/note.txt").write_text("note")


def process(arguments: list[str]) -> None:
    (ML / "output/message").write_text("processed " + " ".join(arguments))
    if "fail" in arguments:
        sys.exit(4)
    if "sleep" in arguments:
        time.sleep(60)
    target = ML / "processing/output/result"
    for path in sorted((ML / "processing/input").rglob("*")):
        if path.is_file():
            name = path.relative_to(ML / "processing/input").as_posix().replace("/", "_")
            (target / name).write_text(path.read_text().upper())


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        healthy = os.environ.get("HEALTH", "good") == "good"
        self.answer(200 if healthy else 500, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if body == "die":
            os._exit(1)
        if body.startswith("break"):
            self.answer(int(body.split()[1]), b"told to break")
            return
        if os.environ.get("BROKEN") == "yes":
            self.answer(500, b"broken model")
            return
        weights = (ML / "model/weights.json").exists()
        answer = {"version": os.environ.get("VERSION"), "got": body, "weights": weights}
        self.answer(200, json.dumps(answer).encode(), "application/jsonlines")

    def answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def serve() -> None:
    if os.environ.get("HEALTH") == "exit":
        print("can't load the model")
        sys.exit(1)
    address = (os.environ["BIND_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    print("serving", os.environ.get("VERSION"))
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train()
    elif sys.argv[1] == "serve":
        serve()
    else:
        process(sys.argv[2:])
