"""Mutants come out of schemas and templates, the same ones every time, each question once."""

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mlops_constructs.compliance.mutation.generate import (
    Population,
    generate,
    read_equivalents,
    unused_equivalents,
)
from mlops_constructs.compliance.mutation.model import REMOVED, Corpus, Edit, Mutant
from mlops_constructs.compliance.mutation.schema import Schemas
from tests.assembly import Assembly

ROOT = Path(__file__).parents[3]
ACCOUNT = "333333333333"


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas(ROOT / "node_modules" / "aws-cdk" / "db.json.gz")


@pytest.fixture(scope="module")
def corpus(assembly: Assembly) -> Corpus:
    return Corpus.read(assembly.folder / "assembly-prod")


@pytest.fixture(scope="module")
def population(corpus: Corpus, schemas: Schemas) -> Population:
    return generate(corpus, schemas, account=ACCOUNT)


def test_there_are_enough_of_every_family(population: Population) -> None:
    families = Counter(each.family for each in population.all)
    assert len(population.all) >= 300
    assert {"ENC", "IAM", "LOG", "ML", "NET", "OPS", "PUB", "RET"} <= set(families)


def test_each_question_is_asked_once(population: Population) -> None:
    asked = Counter(each.key for each in population.all)
    assert not [key for key, times in asked.items() if times > 1]


def test_the_halves_are_halves(population: Population) -> None:
    visible, held_out = ({each.key for each in half} for half in (population.visible, population.held_out))
    assert not visible & held_out
    assert 0.4 < len(visible) / len(population.all) < 0.6


def test_the_same_seed_makes_the_same_mutants(corpus: Corpus, schemas: Schemas, population: Population) -> None:
    assert generate(corpus, schemas, account=ACCOUNT) == population
    other = generate(corpus, schemas, account=ACCOUNT, seed=1)
    assert {each.key for each in other.visible} != {each.key for each in population.visible}


def test_every_mutant_differs_from_its_template(corpus: Corpus, population: Population) -> None:
    before = copy.deepcopy(dict(corpus.templates))
    for mutant in population.all:
        damaged = corpus.damaged(mutant)
        assert damaged["Resources"] != corpus.templates[mutant.template]["Resources"], mutant.key
    assert corpus.templates == before, "the corpus itself was changed"


def test_every_harmless_one_has_a_reason_that_is_needed(population: Population) -> None:
    assert all(len(reason) > 20 for _, reason in population.excluded)
    assert not unused_equivalents(population.excluded)


def test_a_reason_must_be_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "equivalent.json"
    path.write_text(json.dumps([{"operator": "drop", "type": ".*", "property": ".*", "reason": "harmless"}]))
    with pytest.raises(ValueError, match="needs a reason"):
        read_equivalents(path)


def test_types_nobody_wrote_rules_for_get_mutants(schemas: Schemas) -> None:
    stream = {
        "Type": "AWS::Kinesis::Stream",
        "Properties": {"StreamEncryption": {"EncryptionType": "KMS", "KeyId": "k"}},
    }
    corpus = Corpus(Path(), {"t.template.json": {"Resources": {"Stream": stream}}})
    found = {(each.operator, each.about) for each in generate(corpus, schemas, account=ACCOUNT).all}
    assert ("drop", "StreamEncryption") in found


def corpus_of(**resources: Any) -> Corpus:
    return Corpus(Path(), {"t.template.json": {"Resources": resources}})


def mutant_of(*edits: Edit) -> Mutant:
    return Mutant(
        operator="test",
        type="t",
        about="p",
        control="ENC-1",
        template="t.template.json",
        logical_id=edits[0].logical_id,
        edits=edits,
    )


def test_an_edit_reaches_into_a_definition() -> None:
    text = {"Fn::Join": ["", ['{"States":{"A":{"Type":"Task","TimeoutSeconds":5,"Key":"', {"Ref": "K"}, '"}}}']]}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": text}}
    path = ("Properties", "DefinitionString", "States", "A", "TimeoutSeconds")
    damaged = corpus_of(M=machine).damaged(mutant_of(Edit("M", path, REMOVED)))
    parts = damaged["Resources"]["M"]["Properties"]["DefinitionString"]["Fn::Join"][1]
    assert parts == ['{"States":{"A":{"Type":"Task","Key":"', {"Ref": "K"}, '"}}}']


def test_what_is_removed_is_no_longer_waited_for() -> None:
    corpus = corpus_of(A={"Type": "x"}, B={"Type": "y", "DependsOn": ["A", "C"]}, C={"Type": "z", "DependsOn": "A"})
    damaged = corpus.damaged(mutant_of(Edit("A", (), REMOVED)))["Resources"]
    assert damaged == {"B": {"Type": "y", "DependsOn": ["C"]}, "C": {"Type": "z", "DependsOn": []}}


def test_items_are_added_at_the_end_of_a_list() -> None:
    corpus = corpus_of(A={"Type": "x", "Properties": {"L": [1]}})
    damaged = corpus.damaged(mutant_of(Edit("A", ("Properties", "L", 1), 2)))
    assert damaged["Resources"]["A"]["Properties"]["L"] == [1, 2]


def test_a_missing_schema_database_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="make setup"):
        Schemas(tmp_path / "db.json.gz")


def test_a_folder_without_templates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one synthesized environment"):
        Corpus.read(tmp_path)
