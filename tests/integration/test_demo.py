"""The demonstration on a real hub: the whole story holds, and a tampered expectation is found."""

from __future__ import annotations

import asyncio
import io
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from hub.app import running
from hub.consent.looking import words_for
from hub.demo.check import check
from hub.demo.expectations import Expectations, Share
from hub.demo.perform import Performed, perform
from hub.settings import load
from hub.topics.policy_files import folder_policy

pytestmark = [pytest.mark.timeout(180), pytest.mark.public_door]
ROSH = "testo/rosh"
HOUSING = "housing-example/key_worker"
MAPPA_LEVEL = 3
"""As it is raised in the day; nobody is asked for consent."""


@pytest.fixture(scope="module")
def story() -> io.StringIO:
    """Where the story is told."""
    return io.StringIO()


@pytest.fixture(scope="module")
def performed(story: io.StringIO) -> Performed:
    """One performance on a hub of its own: its Kafka, its PostgreSQL."""
    policy = folder_policy()

    async def play() -> Performed:
        settings = load(instance=f"demo-test-{os.getpid()}", log_level="error")
        async with running(settings, ephemeral=True) as hub:
            return await perform(
                hub, Console(file=story, width=100), seed=1, words=partial(words_for, policy)
            )

    return asyncio.run(play())


def tampered(expectations: Expectations, share: Share) -> Expectations:
    """Return expectations with another share for the housing provider of the risk alert."""
    expected = expectations.steps[ROSH]
    recipients = {**expected.recipients, HOUSING: share}
    return replace(expectations, steps={**expectations.steps, ROSH: replace(expected, recipients=recipients)})


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.requirement("R-RTE-01")
@pytest.mark.requirement("R-DEL-01")
@pytest.mark.requirement("R-MSG-12")
@pytest.mark.requirement("R-RTE-07", "R-DIS-10")
def test_the_story_holds_when_it_is_played_on_a_real_hub(performed: Performed) -> None:
    """Every line, from what recipients really received by mailbox and Kafka."""
    assert [str(difference) for difference in performed.checked.differences] == []
    assert performed.checked.held > 0


@pytest.mark.requirement("R-DIS-01")
def test_the_story_does_not_hold_when_an_expectation_is_tampered_with(performed: Performed) -> None:
    """The check can fail, in both directions, on what was really received."""
    share = performed.expectations.steps[ROSH].recipients[HOUSING]
    held = {path: why for path, why in share.held.items() if path != "victim_name"}
    wants_more = replace(share, shown=(*share.shown, "victim_name"), held=held)
    shown = tuple(path for path in share.shown if path != "staff_safety")
    wants_less = replace(share, shown=shown, held={**share.held, "staff_safety": "tampered"})
    for altered, field in ((wants_more, "victim_name"), (wants_less, "staff_safety")):
        found = check(performed.world, tampered(performed.expectations, altered), performed.evidence)
        assert {(one.step, one.recipient, one.field) for one in found.differences} == {(ROSH, HOUSING, field)}


def test_the_story_is_told_in_a_hundred_plain_columns_when_there_is_no_terminal(
    performed: Performed, story: io.StringIO
) -> None:
    """Plain on CI: no colour, no line too long; and it says who was held back from what, and why."""
    told = story.getvalue()
    assert performed.world.people[0].name in told
    assert "\x1b" not in told
    assert max(map(len, told.splitlines())) <= 100
    assert "GUARD-VICTIM" in told
    assert "held back" in told
    assert "on joining" in told


def test_the_story_gives_a_reason_in_the_words_of_the_rule_that_held_it_back(
    performed: Performed, story: io.StringIO
) -> None:
    """Rules share a code; what is said of one unit in prison is not said of everybody."""
    told = " ".join(story.getvalue().split())
    administrator = next(
        each
        for each in performed.evidence.judgements
        if each.recipient.endswith("/case_administrator") and "victim_conditions" in each.fields
    )
    assert str(administrator.fields["victim_conditions"]) in told
    assert "prison" not in administrator.fields["victim_conditions"].says.lower()
    assert all(each.gate is None or each.gate.says for each in performed.evidence.judgements)
    assert "only staff can read why: CASE-UNKNOWN" in told
    assert "its sender reads why: PLAN-NOT-BY-OM" in told


@pytest.mark.requirement("R-DIS-04")
@pytest.mark.requirement("R-DIS-09")
def test_the_ledger_of_a_real_hub_holds_what_was_received(performed: Performed) -> None:
    """Everybody decided on has a record; a drug service told of MAPPA was told by statute."""
    evidence = performed.evidence
    assert performed.checked.ledger > len({one.delivery for one in evidence.received})
    alert = next(
        one
        for one in evidence.received
        if one.recipient == "recovery-example/key_worker" and one.payload.get("mappa_level") == MAPPA_LEVEL
    )
    judged = next(one for one in evidence.judgements if one.delivery == alert.delivery)
    assert "mappa_level" in {ground.path for ground in judged.grounds}
    assert "CONSENT" not in {ground.basis for ground in judged.grounds}


def test_the_expectations_say_where_each_comes_from() -> None:
    """The file cites its sources, and nothing in hub.demo asks the rules what they would say."""
    folder = Path("hub/demo")
    asked = [
        file
        for file in folder.rglob("*.py")
        if any(f"hub.consent.{name}" in file.read_text() for name in ("decide", "redact", "compile"))
    ]
    assert asked == []
