"""The record of processing that DPA 2018 s.61 asks for: every point, and no gap hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.cli.policy.recording import in_markdown
from hub.consent.decision import Outcome
from hub.consent.matrix import cells, columns
from hub.consent.parties import Purpose
from hub.consent.purposes import PURPOSES
from hub.consent.sentences import ROLES, class_in_words
from hub.consent.vocabulary import BASIS
from hub.errors import NotConfigured
from hub.messages.envelope import InformationClass, MessageName
from hub.topics.catalogue import Catalogue
from hub.topics.controller import WANTED, Controller, read_controller
from hub.topics.record_of_processing import Point, kept, points
from hub.topics.security_measures import MEASURES
from tests.unit.consent_cases import LIBRARY, POLICY

ROOT = Path(__file__).resolve().parents[2]
FOUND = points(POLICY, LIBRARY, Controller())
BY_PLACE = {point.place: point for point in FOUND}


def rows(letter: str, table: int = 0) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a table of a point."""
    return BY_PLACE[f"61(2)({letter})"].tables[table].rows


def run(*arguments: str) -> str:
    """Run the command and return what it printed."""
    return CliRunner().invoke(app, ["record", *arguments], catch_exceptions=False).output


@pytest.mark.requirement("R-DIS-09")
def test_record_has_every_point_the_law_asks_for_by_its_letter() -> None:
    """Those of the controller's record, then those of a processor's; none is empty."""
    wanted = [f"61(2)({letter})" for letter in "abcdefghijk"] + [f"61(4)({letter})" for letter in "abcdef"]

    assert [point.place for point in FOUND] == wanted
    assert all(point.asks and all(point.says) and point.says for point in FOUND)
    assert all(len(row) == len(table.head) for point in FOUND for table in point.tables for row in table.rows)


@pytest.mark.requirement("R-DIS-09")
def test_purposes_are_those_of_the_messages() -> None:
    """Every message once, under its purpose."""
    assert {(purpose.replace(" ", "_"), message.strip("`")) for purpose, message, _ in rows("d")} == {
        (str(purpose), str(message)) for message, purpose in PURPOSES.items()
    }
    assert len(rows("d")) == len(MessageName)
    assert {purpose.replace(" ", "_") for purpose, _ in rows("i", 1)} == set(Purpose)


@pytest.mark.requirement("R-DIS-09", "R-DIS-06")
def test_recipients_are_named_with_the_most_the_rules_ever_let_go() -> None:
    """Nothing goes by default that the record does not name; a service manager never learns of victims."""
    said = {(role, int(rung)): at_most for role, _, rung, at_most in rows("e")}
    assert len(said) == len(tuple(columns()))
    for cell in cells(POLICY):
        if cell.outcome <= Outcome.REDACT:
            assert class_in_words(cell.information_class) in said[ROLES[cell.role], cell.rung]
    assert all("victim" not in at_most for (role, _), at_most in said.items() if role == "service manager")
    assert all("intelligence" not in at_most for (role, _), at_most in said.items() if role == "Key Worker")


@pytest.mark.requirement("R-DIS-09")
def test_categories_count_every_field_of_every_contract() -> None:
    """By class, and the sensitive ones among them; health is sensitive throughout."""
    fields = [
        spec for message in MessageName for spec in LIBRARY.current(message).specs if not spec.is_general
    ]
    data = {name: (int(count), int(sensitive)) for name, count, sensitive, _, _ in rows("f", 1)}

    assert data.keys() == {class_in_words(name) for name in InformationClass}
    assert sum(count for count, _ in data.values()) == len(fields)
    assert sum(sensitive for _, sensitive in data.values()) == sum(spec.sensitive for spec in fields)
    assert data["health"][0] == data["health"][1] > 0


@pytest.mark.requirement("R-DIS-04", "R-DIS-09")
def test_every_legal_basis_is_named_with_the_classes_that_go_on_it() -> None:
    """Risk never on consent; corrections on the duty to tell recipients."""
    bases = {code.strip("`"): classes for code, _, _, classes in rows("i")}

    assert bases.keys() == BASIS.keys()
    assert "risk" not in bases["CONSENT"]
    assert bases["DPA48"] == "progress"
    assert [purpose for purpose, codes in rows("i", 1) if "DPA48" in codes] == ["rights"]


@pytest.mark.requirement("R-DIS-09")
def test_time_limits_are_those_of_the_topics_and_of_the_rules() -> None:
    """Every topic of the catalogue; and what recipients are told to destroy."""
    limits = {topic.strip("`"): limit for topic, _, limit in rows("j")}

    assert limits == {topic.name: kept(topic) for topic in Catalogue().topics(("<organisation>",))}
    assert (limits["hub.intake"], limits["hub.outbox"]) == ("for ever", "30 days")
    assert limits["hub.state.cases"].startswith("the latest of each key")
    assert any("365 days" in told and "`contact.release-provider-general`" in by for told, by in rows("j", 1))


@pytest.mark.requirement("R-DIS-09")
def test_every_security_measure_is_made_somewhere_and_what_is_lacking_is_said() -> None:
    """A measure names the file that does it, and the file is there."""
    assert all((ROOT / each.where).is_file() for each in MEASURES if each.there)
    assert len(rows("k")) == sum(each.there for each in MEASURES) > 5
    says = BY_PLACE["61(2)(k)"].says[0]
    assert all(each.what in says for each in MEASURES if not each.there)


@pytest.mark.requirement("R-DIS-09")
def test_what_only_the_controller_knows_is_marked_until_it_is_said(tmp_path: Path) -> None:
    """Each place names what belongs there; the file fills it in."""
    text = in_markdown(FOUND)
    assert [name for name, words in WANTED.items() if f"[TO BE FILLED IN: {words}]" not in text] == []

    file = tmp_path / "controller.yaml"
    file.write_text("".join(f"{name}: Example {name}\n" for name in WANTED), encoding="utf-8")
    filled = in_markdown(points(POLICY, LIBRARY, read_controller(file)))
    assert "TO BE FILLED IN" not in filled
    assert [name for name in WANTED if f"\nExample {name}\n" not in filled] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("joint_control: Example\n", "did you mean joint_controller"),
        ("controller: 5\n", "controller must be a text"),
        ("- controller\n", "not a list of fields"),
        ("controller: [\n", "cannot be read as YAML"),
    ],
)
def test_file_of_the_controller_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    """With the field at fault, and what to write."""
    file = tmp_path / "controller.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NotConfigured, match=says):
        read_controller(file)


@pytest.mark.requirement("R-DIS-09")
def test_record_in_the_reference_is_what_the_system_says() -> None:
    """Where they differ, make it anew: hub policy record > docs/reference/record-of-processing.md."""
    page = (ROOT / "docs" / "reference" / "record-of-processing.md").read_text(encoding="utf-8")
    assert page == in_markdown(FOUND) == run()


@pytest.mark.requirement("R-DIS-09")
def test_record_is_read_by_machines_too() -> None:
    """With the policy it was made from, and what is still to be filled in."""
    found = json.loads(run("--json"))

    assert found["policy"].partition(":")[2] == POLICY.digest[:12]
    assert found["to_be_filled_in"] == list(WANTED)
    assert [point["place"] for point in found["points"]] == [point.place for point in FOUND]
    assert isinstance(FOUND[0], Point)
