"""Who caught what: attribution of findings to mutants, the figures, and the gate's score on a sample."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mlops_constructs.compliance.mutation import batches, checkers, cli, together
from mlops_constructs.compliance.mutation.checkers import Subject
from mlops_constructs.compliance.mutation.generate import Population, generate
from mlops_constructs.compliance.mutation.model import REMOVED, Corpus, Edit, Mutant, Template
from mlops_constructs.compliance.mutation.schema import Schemas
from mlops_constructs.compliance.mutation.score import GATE, Score, as_json, survivors_text, tables
from tests.assembly import Assembly

ROOT = Path(__file__).parents[3]
FILE = "t.template.json"
SAMPLE = 48
GOAL = 0.95


def test_the_gate_notices_a_sample_of_mutants(assembly: Assembly) -> None:
    subject = Subject(assembly.folder / "assembly-prod", dt.datetime.now(dt.UTC).date())
    schemas = Schemas(ROOT / "node_modules" / "aws-cdk" / "db.json.gz")
    everything = generate(subject.corpus, schemas, account=subject.estate.account).all
    sample = sorted(everything, key=lambda each: hashlib.sha256(each.key.encode()).hexdigest())[:SAMPLE]
    caught = checkers.pack(subject, sample)
    missed = [f"{each.control} {each.key}" for each in sample if each.id not in caught]
    assert len(missed) <= SAMPLE * (1 - GOAL), "\n".join(missed)


def resource(*names: str, good: bool = True) -> dict[str, Any]:
    return {"Type": "Test::A::B", "Properties": {"Good": good, "Uses": [{"Ref": name} for name in names]}}


def broken(logical_id: str, about: str = "Good", value: Any = False) -> Mutant:
    return Mutant(
        operator=f"break {logical_id}",
        type="Test::A::B",
        about=about,
        control="ENC-1",
        template=FILE,
        logical_id=logical_id,
        edits=(Edit(logical_id, ("Properties", about), value),),
    )


@pytest.fixture
def corpus() -> Corpus:
    resources = {"A": resource(), "B": resource("A"), "C": resource(), "D": resource()}
    return Corpus(Path(), {FILE: {"Resources": resources}})


def bad(body: Template) -> set[str]:
    """A checker that names a resource that is not good, and those that use one."""
    resources = body["Resources"]
    wrong = {name for name, each in resources.items() if not each["Properties"].get("Good")}
    users = {name for name, each in resources.items() for use in each["Properties"]["Uses"] if use["Ref"] in wrong}
    return wrong | users


def judge_many(calls: list[int]) -> batches.Judge:
    def judge(templates: Sequence[tuple[str, Template]]) -> list[set[batches.Finding]]:
        calls.append(len(templates))
        return [{("bad", name) for name in bad(body)} for _, body in templates]

    return judge


def test_mutants_of_different_resources_share_a_template(corpus: Corpus) -> None:
    calls: list[int] = []
    mutants = [broken("A"), broken("C"), broken("D", "Uses", [])]
    found = batches.caught(corpus, mutants, judge_many(calls))
    assert found == {mutants[0].id: {"bad"}, mutants[1].id: {"bad"}}
    assert calls == [1, 1, 0], "one template as it is, one for all mutants, none in doubt"


def test_mutants_of_one_resource_do_not_share_a_template(corpus: Corpus) -> None:
    assert len(batches.packed([broken("A"), broken("A", "Uses", [])])) == 2


def judge_estate(corpus: Corpus) -> together.Judge:
    def judge(changed: Mapping[str, Template]) -> set[together.Finding]:
        return {("bad", (FILE, name)) for name in bad({**corpus.templates, **changed}[FILE])}

    return judge


def test_neighbours_are_judged_apart(corpus: Corpus) -> None:
    around = together.neighbours(corpus)
    assert len(together.grouped([broken("A"), broken("B", "Uses", [])], around)) == 2
    assert len(together.grouped([broken("A"), broken("C")], around)) == 1


def test_a_finding_beside_the_damage_counts(corpus: Corpus) -> None:
    mutants = [broken("A"), broken("B", "Uses", []), broken("C")]
    assert set(together.caught(corpus, mutants, judge_estate(corpus))) == {mutants[0].id, mutants[2].id}


def test_what_was_found_before_is_no_catch(corpus: Corpus) -> None:
    corpus.templates[FILE]["Resources"]["C"] = resource(good=False)
    assert together.caught(corpus, [broken("C", "Good", 0)], judge_estate(corpus)) == {}


def test_references_through_exports_are_followed() -> None:
    exported = {
        "Outputs": {"Out": {"Value": {"Ref": "K"}, "Export": {"Name": "app:K"}}},
        "Resources": {"K": {"Type": "x"}},
    }
    using = {"Resources": {"B": {"Type": "y", "Properties": {"Key": {"Fn::ImportValue": "app:K"}}}}}
    around = together.neighbours(Corpus(Path(), {"one": exported, "two": using}))
    assert around["two", "B"] == {("one", "K")}
    assert around["one", "K"] == {("two", "B")}


@pytest.fixture
def score() -> Score:
    mutants = (broken("A"), broken("B"), broken("C"))
    population = Population(mutants[:2], mutants[2:], ())
    caught = {"our pack": {mutants[0].id: {"x"}}, "cdk-nag": {}, "checkov": {mutants[1].id: {"y"}}}
    return Score(population, caught, {})


def test_the_gate_is_what_any_of_its_parts_notices(score: Score) -> None:
    visible, held_out = score.population.visible, score.population.held_out
    assert score.share(GATE, visible) == 0.5, "checkov is a second opinion and no part of the gate"
    assert score.share("checkov", visible) == 0.5
    assert [each.logical_id for each in score.survivors(held_out)] == ["C"]


def test_the_figures_are_told_by_half_and_family(score: Score) -> None:
    text = tables(score)
    assert "| visible | 2 | 50.0% | 0.0% | 50.0% | 50.0% |" in text
    assert "| ENC | 3 | 33.3% | 0.0% | 33.3% | 33.3% |" in text
    assert "B" in survivors_text(score, score.population.visible)
    data = as_json(score, environment="prod", seed=1)
    assert [each["half"] for each in data["mutants"]] == ["visible", "visible", "held_out"]
    assert json.dumps(data)


def test_figures_are_published_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "mutation.md"
    page.write_text("# Page\n\n<!-- figures -->\nold\n<!-- end of figures -->\n\nEnd\n")
    cli.publish(page, "new\n")
    assert page.read_text() == "# Page\n\n<!-- figures -->\nnew\n<!-- end of figures -->\n\nEnd\n"
    page.write_text("# Page\n")
    with pytest.raises(ValueError, match="lacks"):
        cli.publish(page, "new\n")


def test_the_command_refuses_what_is_no_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([str(tmp_path)]) == 2
    assert "one synthesized environment" in capsys.readouterr().err


def test_a_checker_that_is_not_installed_is_said_so(
    assembly: Assembly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = str(assembly.folder / "assembly-local")
    asked = ["--only", "checkov", "--checkov", str(tmp_path / "checkov"), "--out", str(tmp_path)]
    assert cli.main([stage, *asked, "--schemas", str(ROOT / "node_modules" / "aws-cdk" / "db.json.gz")]) == 2
    assert "make checkov" in capsys.readouterr().err


def test_removed_is_the_same_in_every_process() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(REMOVED)) is REMOVED
