"""One review of a template nobody here wrote, for every test of the bundle."""

import datetime as dt
from pathlib import Path

import pytest

from mlops_constructs.compliance.evidence.review import Request, Review, review

FOREIGN = Path(__file__).parent / "foreign.yaml"
DAY = dt.date(2026, 11, 24)


@pytest.fixture(scope="session")
def foreign() -> Review:
    """The review of the foreign template, without checkov."""
    return review(Request(path=FOREIGN, date=DAY))
