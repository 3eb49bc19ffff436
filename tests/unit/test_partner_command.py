"""`hub partner`: what it asks for, refuses and prints."""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub.adapters.gateway.examples import example
from hub.cli.partner import _protocol, amended, app, curls, suspend
from hub.consent.parties import Access
from hub.errors import NotConfigured
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from typer.testing import Result

URL = "http://127.0.0.1:8080"


def test_printed_commands_can_be_run_as_they_stand() -> None:
    """The body in the printed curl is a good one, whole through the shell, and only a dry run."""
    mailbox, post = curls({"sends": ["progress"]}, url=URL)
    words = shlex.split(post)
    assert json.loads(words[words.index("-d") + 1]) == example(MessageName.PROGRESS)
    assert words[-1] == f"{URL}/v1/progress?dry_run=true"
    assert shlex.split(mailbox)[-1] == f"{URL}/v1/mailbox/messages"


def test_organisation_that_sends_nothing_is_shown_its_mailbox_only() -> None:
    """Nothing is suggested that would be refused."""
    assert len(curls({"sends": []}, url=URL)) == 1


def test_suspension_tells_what_becomes_of_what_is_on_its_way() -> None:
    """Whoever suspends in a hurry learns that the topic is emptied, and that the mailbox waits."""
    told = " ".join((suspend.__doc__ or "").split())
    for said in ("delete what stands on its topic hub.to.NAME", "its mailbox is shut", "over HTTP or Kafka"):
        assert said in told


def test_protocol_is_read_from_one_word() -> None:
    """A protocol names its classes, and has held from now on."""
    read = _protocol("Leeds sharing:contact,offence")
    assert (read["name"], read["classes"], read["until"]) == ("Leeds sharing", ["contact", "offence"], None)


@pytest.mark.parametrize("text", ["Leeds", "Leeds:", ":contact", "Leeds:weather", "Leeds:contact,"])
def test_protocol_that_names_no_class_is_refused(text: str) -> None:
    """A class there is not would permit nothing, silently."""
    with pytest.raises(NotConfigured):
        _protocol(text)


@pytest.mark.requirement("R-DIS-01")
def test_what_is_known_of_an_organisation_is_amended_and_the_rest_stays() -> None:
    """What was never said is not known; a command that says nothing is refused."""
    body: dict[str, object] = {"organisation": "harbour-trust", "rung": 2}
    limited = amended(body, {"access": Access.NAMED_CASES.value, "policy_document": None})
    assert limited == {**body, "access": "named_cases"}
    assert amended(limited, {"policy_document": False}) == {**limited, "policy_document": False}
    with pytest.raises(NotConfigured, match="nothing to amend"):
        amended(body, {"access": None, "policy_document": None, "sends": None})


class Held:
    """One organisation in force, and a hand that puts another description in its place."""

    def __init__(self) -> None:
        """Begin with a partner that sends progress and takes referrals by Kafka."""
        self.body: dict[str, object] = {
            "organisation": "harbour-trust",
            "sends": ["progress"],
            "kafka": ["referral"],
            "purposes": ["referral", "progress"],
            "access": None,
        }
        self.checked: list[object] = []
        self.put: list[dict[str, object]] = []

    async def organisation(self, _name: str) -> dict[str, object]:
        """Return what is in force."""
        return self.body

    async def organisations(self) -> list[dict[str, object]]:
        """Return all there are: this one, if it is described."""
        return [self.body] if self.body else []

    async def check_organisation(self, body: dict[str, object]) -> None:
        """Note what was to be checked."""
        self.checked.append(body)

    async def put_organisation(self, body: dict[str, object]) -> None:
        """Put it in force."""
        self.put.append(body)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """The commands work on this one instead of a running hub."""
    found = Held()
    monkeypatch.setattr("hub.cli.partner._on_hub", lambda work: asyncio.run(work(found)))
    return found


def amend(*words: str) -> Result:
    """Run `hub partner amend harbour-trust`."""
    return CliRunner().invoke(app, ["amend", "harbour-trust", *words])


@pytest.mark.requirement("R-DIS-01")
def test_what_an_organisation_sends_takes_by_kafka_and_is_told_for_can_be_amended(held: Held) -> None:
    """What is named takes the place of what was; what changes is shown before and after, the rest is not."""
    done = amend("--sends", "receipt", "--sends", "progress", "--no-kafka", "--purpose", "referral")
    assert done.exit_code == 0, done.output
    (put,) = held.put
    assert put == {
        **held.body,
        "sends": ["receipt", "progress"],
        "kafka": [],
        "purposes": ["referral"],
    }
    said = " ".join(done.output.split())
    for change in ("sends progress -> receipt, progress", "kafka referral -> -"):
        assert change in said
    assert "purposes referral, progress -> referral" in said
    assert "access" not in said


@pytest.mark.requirement("R-DIS-01")
def test_a_dry_run_shows_what_would_change_and_changes_nothing(held: Held) -> None:
    """It is checked as if it were put in force, so that what it shows is not refused afterwards."""
    done = amend("--kafka", "referral", "--kafka", "plan", "--dry-run")
    assert "kafka referral -> referral, plan" in " ".join(done.output.split())
    assert "nothing has been changed" in done.output
    assert held.checked == [{**held.body, "kafka": ["referral", "plan"]}]
    assert held.put == []


def test_what_is_so_already_is_not_put_in_force_again(held: Held) -> None:
    """Whatever the order it is named in: nothing that waits is decided again for it."""
    done = amend("--purpose", "progress", "--purpose", "referral", "--sends", "progress")
    assert "nothing changes" in done.output
    assert held.put == held.checked == []


def test_an_option_and_its_contrary_are_refused(held: Held) -> None:
    """Neither is guessed."""
    assert isinstance(amend("--sends", "progress", "--no-sends").exception, NotConfigured)
    assert isinstance(amend().exception, NotConfigured)
    assert held.put == []


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(
    ("kind", "prison", "fix"),
    [
        ("prison", (), "--prison every"),
        ("prison", ("--prison", "mdi"), "three capital letters"),
        ("partner", ("--prison", "MDI"), "leave out --prison"),
    ],
)
def test_a_prison_takes_part_by_its_code_and_nobody_else_has_one(
    held: Held, kind: str, prison: tuple[str, ...], fix: str
) -> None:
    """By the code the hub knows who holds somebody; the refusal says what to give."""
    facts = ("--kind", kind, "--rung", "1", "--legal-status", "in_house", "--evidence", "Example order")
    refused = CliRunner().invoke(app, ["add", "hmp-mock", *facts, *prison]).exception
    assert isinstance(refused, NotConfigured)
    assert fix in refused.fix
    assert held.put == []


@pytest.mark.requirement("R-DIS-01")
def test_the_code_of_a_prison_can_be_amended_and_of_nobody_else(held: Held) -> None:
    """A slip in it would have another prison's people told to this one."""
    held.body |= {"kind": "prison", "prison": "LEI"}
    done = amend("--prison", "MDI")
    assert "prison LEI -> MDI" in " ".join(done.output.split())
    assert held.put == [held.body | {"prison": "MDI"}]
    held.body |= {"kind": "partner", "prison": None}
    assert isinstance(amend("--prison", "MDI").exception, NotConfigured)
    assert len(held.put) == 1


def test_table_shows_who_takes_part(held: Held) -> None:
    """One line each, aligned; and a hint where nobody takes part."""
    held.body = {"organisation": "harbour-trust", "kind": "partner", "rung": 2, "sends": ["progress"]}
    shown = CliRunner().invoke(app, ["list"], catch_exceptions=False).output
    held.body = {}
    shown += CliRunner().invoke(app, ["list"], catch_exceptions=False).output
    assert "harbour-trust" in shown
    assert "hub partner add" in shown
    assert "not known" in shown
