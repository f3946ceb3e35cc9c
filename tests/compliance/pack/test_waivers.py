"""Waivers are data: beside a resource or in a file, read back as written, refused when they say too little."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_constructs.compliance.estate import TemplateError
from mlops_constructs.compliance.template import Acknowledgement
from mlops_constructs.compliance.waivers import (
    AppliedWaiver,
    Unreadable,
    Waiver,
    noted_waivers,
    parse_reason,
    read_file,
    read_waivers,
)
from tests.assembly import Assembly

REASON = "The bucket holds what can be made again at any time."
names = st.text(st.characters(exclude_characters=",()", exclude_categories=["C"]), min_size=1, max_size=20)
sentences = st.text(st.characters(exclude_categories=["Cs"]), min_size=25, max_size=80).filter(
    lambda text: len(text.strip()) >= 20
)


@given(
    reason=sentences,
    owner=names,
    review=st.dates().map(dt.date.isoformat),
    control=st.one_of(st.just(""), sentences),
    ticket=st.one_of(st.just(""), names),
)
def test_a_waiver_is_read_back_as_it_was_written(
    reason: str, owner: str, review: str, control: str, ticket: str
) -> None:
    try:
        written = Waiver(
            finding="MLOps::RET-1.versioned",
            reason=reason,
            owner=owner,
            review=review,
            compensating_control=control,
            ticket=ticket,
        )
    except ValueError:
        assert ", ticket " in control or " (owner " in reason + control, "refused only where fields would blur"
    else:
        assert parse_reason("MLOps::RET-1.versioned", written.text) == written


def test_the_reason_reads_as_a_sentence_with_its_fields() -> None:
    waiver = Waiver(
        finding="MLOps::A-1.b",
        reason=REASON,
        owner="ml",
        review="2027-06-30",
        compensating_control="nightly copy (other account)",
        ticket="SEC-12",
    )
    assert waiver.text.endswith(
        "(owner ml, review 2027-06-30, compensated by nightly copy (other account), ticket SEC-12)"
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("finding", "RET-1.versioned", "must be qualified"),
        ("reason", "ok", "a sentence a reviewer can judge"),
        ("reason", " " * 40, "a sentence a reviewer can judge"),
        ("review", "next year", "must be a day"),
        ("review", "2027-02-30", "day is out of range"),
        ("review", "20270630", "must be a day"),
        ("owner", "", "names without commas"),
        ("owner", "ml, ops", "names without commas"),
        ("ticket", "A (B)", "names without commas"),
    ],
)
def test_a_waiver_that_says_too_little_is_refused(field: str, value: str, message: str) -> None:
    good = {"finding": "MLOps::RET-1.versioned", "reason": REASON, "owner": "ml", "review": "2027-06-30"}
    with pytest.raises(ValueError, match=message):
        Waiver(**{**good, field: value})


def test_acknowledgements_of_ours_without_fields_are_seen() -> None:
    noted = [
        Acknowledgement("prod/A", "MLOps::RET-1.versioned", f"{REASON} (owner ml, review 2027-06-30)"),
        Acknowledgement("prod/B", "MLOps::RET-1.versioned", "because"),
        Acknowledgement("prod/C", "MLOps::RET-1.versioned", "short (owner ml, review 2027-06-30)"),
        Acknowledgement("prod/D", "AwsSolutions::AwsSolutions-S1", "because"),
    ]
    kinds = {each.path: type(each) for each in noted_waivers(noted)}
    assert kinds == {"prod/A": AppliedWaiver, "prod/B": Unreadable, "prod/C": Unreadable}


def test_waivers_of_the_assembly_are_found(assembly: Assembly) -> None:
    found = read_waivers(assembly.folder)
    assert {each.path.split("/")[0] for each in found} == set(assembly.templates)


FILE = """
waivers:
  - finding: MLOps::RET-1.versioned
    path: app/Lake
    reason: The bucket holds what can be made again at any time.
    owner: data-platform
    review: 2027-06-30
    compensating_control: The source keeps every file for ten years.
    ticket: SEC-12
"""


def test_a_file_of_waivers_is_read(tmp_path: Path) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text(FILE)
    (applied,) = read_file(file)
    assert isinstance(applied, AppliedWaiver)
    assert (applied.path, applied.waiver.ticket, applied.waiver.review) == ("app/Lake", "SEC-12", "2027-06-30")
    assert applied.covers("MLOps::RET-1.versioned", "app/Lake")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("reason: The bucket holds what can be made again at any time.", ""), "sentence a reviewer can judge"),
        (("path: app/Lake", ""), "names no path"),
        (("review: 2027-06-30", "review: soon"), "must be a day"),
        (("ticket:", "tickets:"), "no such field: tickets"),
        (("owner: data-platform", ""), "names without commas"),
    ],
)
def test_an_entry_that_is_no_waiver_is_kept_as_a_problem(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text(FILE.replace(*change))
    (unreadable,) = read_file(file)
    assert isinstance(unreadable, Unreadable)
    assert unreadable.problem.startswith("waivers.yaml, waiver 1: ")
    assert problem in unreadable.problem


@pytest.mark.parametrize("content", ["waivers: 3", "just text", "- 1", "{}"])
def test_a_file_that_is_no_list_of_waivers_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text(content)
    with pytest.raises(TemplateError, match="must be a list of waivers"):
        read_file(file)
