"""`hub partner`: what it asks for, refuses and prints."""

from __future__ import annotations

import json
import shlex
from datetime import timedelta

import pytest

from hub.adapters.gateway.examples import example
from hub.cli.partner import _protocol, _row, _show_table, amended, curls, suspend
from hub.consent.parties import Access
from hub.errors import NotConfigured
from hub.messages.envelope import MessageName
from hub.messages.identifiers import OrganisationId
from hub.topics.catalogue import Catalogue

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


def test_suspension_tells_what_it_does_not_take_back() -> None:
    """Whoever suspends in a hurry learns that what is on the organisation's topic stays readable."""
    told = " ".join((suspend.__doc__ or "").split())
    kept = Catalogue().delivery_topic(OrganisationId("x")).config["retention.ms"]
    assert timedelta(milliseconds=int(kept)) == timedelta(days=7)
    for said in ("seven days", "hub.to.NAME", "its mailbox is shut", "over HTTP or Kafka"):
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
    limited = amended(body, access=Access.NAMED_CASES, policy_document=None)
    assert limited == {**body, "access": "named_cases", "policy_document": None}
    assert amended(limited, access=None, policy_document=False) == {**limited, "policy_document": False}
    with pytest.raises(NotConfigured, match="nothing to amend"):
        amended(body, access=None, policy_document=None)


def test_table_shows_who_takes_part(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, aligned; and a hint where nobody takes part."""
    body = {"organisation": "harbour-trust", "kind": "partner", "rung": 2, "sends": ["progress", "receipt"]}
    _show_table([_row(body)])
    _show_table([])
    shown = capsys.readouterr().out
    assert "harbour-trust" in shown
    assert "progress, receipt" in shown
    assert "hub partner add" in shown
    assert "not known" in shown
