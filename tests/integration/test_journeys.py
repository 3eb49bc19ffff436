"""The journeys of docs/explanation/journeys on a real hub: each goes as its page tells it."""

from __future__ import annotations

import asyncio
import os
from functools import partial

import pytest

from hub.app import running
from hub.consent.looking import words_for
from hub.demo.journeys.clock import StoryClock
from hub.demo.journeys.page import read_page
from hub.demo.journeys.perform import Journey, journeys, perform, register
from hub.demo.on_hub import HubDriver
from hub.errors import NotConfigured
from hub.settings import load
from hub.topics.library import SchemaLibrary
from hub.topics.policy_files import folder_policy

pytestmark = [pytest.mark.timeout(400), pytest.mark.public_door]
FRIDAY = "friday-evening"


@pytest.fixture(scope="module")
def played() -> dict[str, Journey]:
    """Every journey, one after the other on one hub; and one whose page asks for what must not be."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in journeys().items()}

    async def play() -> dict[str, Journey]:
        clock = StoryClock()
        settings = load(instance=f"journeys-test-{os.getpid()}", log_level="error")
        found = {}
        async with (
            running(settings, ephemeral=True, clock=clock) as hub,
            HubDriver(hub, library=SchemaLibrary.load(), words=partial(words_for, folder_policy())) as driver,
        ):
            await register(driver, since=clock.now())
            for name, text in texts.items():
                found[name] = await perform(text, driver=driver, clock=clock)
        return found

    return asyncio.run(play())


def as_told(played: dict[str, Journey], name: str) -> None:
    """Hold a run against its page: what must come came, and the page shows what came."""
    journey = played[name]
    assert journey.differences == ()
    text = journeys()[name].read_text(encoding="utf-8")
    assert journey.written == text, "write it anew: python3 -m hub journey play --write"


@pytest.mark.requirement("R-MSG-03")
@pytest.mark.requirement("R-RTE-03")
@pytest.mark.requirement("R-RTE-06")
@pytest.mark.requirement("R-DIS-06")
@pytest.mark.requirement("R-ADM-03")
def test_a_key_workers_worry_on_a_friday_evening_reaches_who_must_act(played: dict[str, Journey]) -> None:
    """It reaches the Offender Manager whole and at once; nobody outside learns of whom it is said."""
    as_told(played, FRIDAY)


@pytest.mark.requirement("R-CASE-01", "R-CASE-06", "R-MSG-05", "R-RTE-05", "R-PLAN-02", "R-RTE-04")
def test_a_short_sentence_far_from_home_is_carried_by_the_prisons_own_events(
    played: dict[str, Journey],
) -> None:
    """Both prisons hear of the move; who joins has the plan at once; what is expected moves nobody."""
    as_told(played, "short-sentence")


@pytest.mark.requirement("R-RTE-06", "R-DIS-04", "R-MSG-03", "R-DIS-02")
def test_public_protection_goes_the_way_of_everything_else_and_asks_nobody_for_consent(
    played: dict[str, Journey],
) -> None:
    """Those who must act get it; a charity that teaches budgeting does not."""
    as_told(played, "life-sentence")


@pytest.mark.requirement("R-CON-01", "R-CON-02", "R-CON-03", "R-MSG-06")
def test_a_case_changes_hands_only_by_authority_and_a_threatened_managers_successor_is_not_named(
    played: dict[str, Journey],
) -> None:
    """The first try is set aside, and nobody hears of it."""
    as_told(played, "offender-manager-threatened")


@pytest.mark.requirement("R-SCO-01", "R-SCO-02", "R-SCO-03")
def test_five_years_in_scotland_are_managed_by_another_profile(played: dict[str, Journey]) -> None:
    """The Core Screen is missed and asked for; family comes by consent; a conference a year."""
    as_told(played, "scotland-enhanced")


def test_every_journey_is_played_here() -> None:
    """A page nobody plays tells what nobody knows to be so."""
    assert set(journeys()) == {
        FRIDAY,
        "short-sentence",
        "life-sentence",
        "offender-manager-threatened",
        "scotland-enhanced",
    }


def test_a_page_that_tells_what_is_not_so_is_found_out(played: dict[str, Journey]) -> None:
    """The check can fail, both ways."""
    from dataclasses import replace

    from hub.demo.journeys.page import Must
    from hub.demo.journeys.play import differences

    came = played[FRIDAY].came[1]
    housing, manager = "housing-example/key_worker", "probation-n54/offender_manager"
    wants_more = replace(came.scene, gets=(Must(who=housing, fields=("third_party_name",)),), never=())
    assert differences(wants_more, came.received) == (
        f"{housing} did not get third_party_name of risk-change",
    )
    wants_less = replace(came.scene, gets=(), never=(Must(who=manager, fields=("summary",)),))
    assert differences(wants_less, came.received) == (f"{manager} got summary of risk-change",)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (
            "```yaml say\nat: 2027-01-01 10:00\nby: nobody\nmessage: plan\n```\n",
            "'nobody' is nobody of the cast",
        ),
        ("```yaml say\nat: yesterday\n```\n", "yesterday"),
        ("```yaml wait\nuntil: 2027-01-01 10:00\nfro: 1\n```\n", "nobody knows the field fro"),
        ("```yaml say\n: :\n```\n", "line 5"),
    ],
)
def test_a_wrong_block_is_named_with_its_line_and_field(block: str, said: str) -> None:
    """Whoever writes a journey reads what to mend."""
    with pytest.raises(NotConfigured, match=said):
        read_page(f"# A title\n```yaml cast\nmanager: probation-n54/offender_manager\n```\n{block}")
