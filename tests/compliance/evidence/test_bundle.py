"""The bundle: the same bytes from the same input, valid formats, one page that needs nothing else."""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from trestle.oscal.assessment_results import Model

from mlops_constructs.compliance.controls import CONTROLS, FRAMEWORKS
from mlops_constructs.compliance.evidence.bundle import contents, write_bundle
from mlops_constructs.compliance.evidence.review import Review
from mlops_constructs.compliance.evidence.sarif import sarif
from mlops_constructs.compliance.evidence.tables import COLUMNS

HERE = Path(__file__).parent
EXTERNAL = ("src", "data", "action", "poster", "srcset")


@pytest.fixture(scope="module")
def bundle(foreign: Review, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("review") / "bundle"
    write_bundle(foreign, out)
    return out


def load(bundle: Path, name: str) -> Any:
    return json.loads((bundle / name).read_text())


def command(out: Path, seed: str) -> dict[str, bytes]:
    arguments = ["review", str(HERE / "foreign.yaml"), "--out", str(out), "--date", "2026-11-24", "--checkov", "no"]
    done = subprocess.run(
        [sys.executable, "-m", "mlops_constructs.compliance", *arguments],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert "FAILED" in done.stdout
    assert re.search(r"review: +\d+\.\d s  foreign: cdk-nag", done.stderr), "progress says what took how long"
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_same_input_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    assert command(tmp_path / "a", "1") == command(tmp_path / "b", "4711")


def test_manifest_has_the_sum_of_every_file(bundle: Path) -> None:
    manifest = load(bundle, "manifest.json")
    there = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()} - {"manifest.json"}
    assert set(manifest["files"]) == there
    assert {"index.html", "review.json", "findings.csv", "review.sarif", "templates/foreign.yaml"} <= there
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((bundle / name).read_bytes()).hexdigest() == entry["sha256"], name
    assert manifest["date"] == "2026-11-24"
    assert manifest["verdict"] == "FAILED"
    assert manifest["tools"]["cdk-nag NIST.800.53.R5"] == "3.0.2"


def test_a_new_review_leaves_nothing_of_the_old_one(bundle: Path, foreign: Review) -> None:
    (bundle / "templates" / "gone.json").write_text("{}")
    write_bundle(foreign, bundle)
    assert not (bundle / "templates" / "gone.json").exists()


def test_a_folder_with_something_else_is_left_alone(foreign: Review, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="something else than a review"):
        write_bundle(foreign, tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_sarif_is_valid_and_leads_to_file_and_line(bundle: Path) -> None:
    written = load(bundle, "review.sarif")
    jsonschema.validate(written, json.loads((HERE / "sarif-2.1.0.json").read_text()))
    results = [result for run in written["runs"] for result in run["results"]]
    for result in results:
        place = result["locations"][0]["physicalLocation"]
        assert (bundle / place["artifactLocation"]["uri"]).is_file()
        assert place["region"]["startLine"] >= 1
    prints = [
        (run["tool"]["driver"]["name"], *result["partialFingerprints"].values())
        for run in written["runs"]
        for result in run["results"]
    ]
    assert len(prints) == len(set(prints)), "a viewer tells findings apart by their fingerprint"


def test_sarif_holds_every_finding_and_no_pass(foreign: Review, bundle: Path) -> None:
    results = [result for run in load(bundle, "review.sarif")["runs"] for result in run["results"]]
    assert len(results) == sum(1 for check in foreign.document["checks"] if check["status"] != "PASS")


def test_a_waived_finding_is_a_suppression_in_sarif(foreign: Review) -> None:
    first = next(index for index, check in enumerate(foreign.document["checks"]) if check["status"] == "FAIL")
    checks = [dict(check) for check in foreign.document["checks"]]
    checks[first] |= {"status": "WAIVED", "waiver": 0}
    waiver = {"reason": "a reason of some length", "owner": "risk", "review": "2027-01-01"}
    runs = sarif({**foreign.document, "checks": checks, "waivers": [waiver]})["runs"]
    found = [each["suppressions"] for run in runs for each in run["results"] if "suppressions" in each]
    assert found == [
        [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "a reason of some length (owner risk, review 2027-01-01)",
            }
        ]
    ]


def test_oscal_is_valid_and_its_references_hold(bundle: Path) -> None:
    written = load(bundle, "oscal-assessment-results.json")
    Model.model_validate(written)
    result = written["assessment-results"]["results"][0]
    items = {each["uuid"] for each in result["local-definitions"]["inventory-items"]}
    observations = {each["uuid"]: each for each in result["observations"]}
    risks = {each["uuid"] for each in result["risks"]}
    assert all(s["subject-uuid"] in items for each in observations.values() for s in each["subjects"])
    for finding in result["findings"]:
        assert all(each["observation-uuid"] in observations for each in finding["related-observations"])
        assert all(each["risk-uuid"] in risks for each in finding.get("related-risks", []))


def test_oscal_says_which_controls_are_not_satisfied(bundle: Path, foreign: Review) -> None:
    findings = load(bundle, "oscal-assessment-results.json")["assessment-results"]["results"][0]["findings"]
    states = {finding["target"]["target-id"]: finding["target"]["status"]["state"] for finding in findings}
    assert states["iam-1"] == "not-satisfied"
    assert states["ac-6"] == "not-satisfied"
    satisfied = {control["id"].lower() for control in foreign.document["controls"] if control["status"] == "COMPLIANT"}
    assert satisfied, "something is right even here"
    assert {states[each] for each in satisfied} == {"satisfied"}


def test_csv_has_a_line_per_check_and_no_formulas(foreign: Review) -> None:
    rows = list(csv.reader(io.StringIO(contents(foreign)["findings.csv"].decode())))
    assert rows[0] == list(COLUMNS)
    assert len(rows) == len(foreign.document["checks"]) + 1
    assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row)


class Links(HTMLParser):
    """Ids, links within the page, and whatever would be fetched."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.within: set[str] = set()
        self.files: set[str] = set()
        self.fetched: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        self.fetched += [f"{tag} {name}={values[name]}" for name in EXTERNAL if name in values]
        if tag in ("link", "iframe", "object"):
            self.fetched.append(tag)
        href = values.get("href")
        if tag == "a" and href:
            (self.within if href.startswith("#") else self.files).add(href.removeprefix("#"))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def page(bundle: Path) -> Links:
    return Links((bundle / "index.html").read_text())


def test_page_shows_each_control_requirement_and_finding(page: Links, foreign: Review) -> None:
    assert {f"control-{each}" for each in CONTROLS} <= set(page.ids)
    assert {f"framework-{each}" for each in FRAMEWORKS} <= set(page.ids)
    words = set(page.text)
    for framework in foreign.document["frameworks"]:
        assert {requirement["id"] for requirement in framework["requirements"]} <= words
    assert {check["finding"] for check in foreign.document["checks"] if check["status"] == "FAIL"} <= words


def test_page_needs_nothing_else_and_its_links_lead_somewhere(page: Links, bundle: Path) -> None:
    assert page.fetched == []
    assert len(page.ids) == len(set(page.ids)), "two elements of one id"
    assert page.within <= set(page.ids)
    assert all((bundle / each).is_file() for each in page.files), page.files


def test_page_escapes_what_a_template_says(foreign: Review) -> None:
    hostile = "<script>alert(1)</script>"
    document = json.loads(json.dumps(foreign.document))
    for check in document["checks"]:
        check["message"], check["path"] = hostile, hostile
    changed = contents(Review(document, foreign.templates))["index.html"].decode()
    assert hostile not in changed
    assert "&lt;script&gt;alert(1)" in changed
