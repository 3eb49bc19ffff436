"""Scope, tiers and Scotland on the real broker: posted over HTTP, read in the recipients' mailboxes.

One hub serves all of it. What takes days in the model is posted with dates that lie so far back: the hub's
clock is the broker's, and a deadline that has passed when it is set is met by the next tick.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from hub.adapters import broker
from hub.adapters.database import server
from hub.app import running
from hub.cli.profile import app
from hub.demo.organisations import PROBATION, RECOVERY, parties
from hub.messages.identifiers import OrganisationId
from hub.settings import load
from hub.topics.profile_files import PROFILES
from tests.integration.model_site import (
    ADMINISTRATOR,
    BOSS,
    MANAGER,
    MOORLAND,
    OFFICER,
    UNIT,
    WORKER,
    Site,
    ago,
    case_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.app import Hub
    from hub.settings import Settings

pytestmark = [pytest.mark.timeout(240), pytest.mark.public_door]
LONG = {"sentence_type": "DETERMINATE", "sentence_days": 2000, "date_of_birth": "1990-06-01"}
SHORT = LONG | {"sentence_days": 90, "sentence_expiry": "2020-01-01"}
NOBODY = {"organisation": None, "person": None, "attended": None}
RELATIVE = NOBODY | {"role": "family_member", "third_party_name": "Relative Invented"}


async def play(settings: Settings, folder: Path) -> Site:
    """Let every case take its course, on one hub."""
    async with running(settings) as hub:
        known = {each.organisation: each for each in parties()}
        keys: dict[str, str] = {
            name: await hub.add_organisation(known[name].body(since=0))
            for name in (PROBATION, OrganisationId(MOORLAND), RECOVERY)
        }
        async with httpx.AsyncClient(base_url=hub.http_url, timeout=20) as http:
            site = Site(http=http, pool=hub.pool, keys=keys)
            await _scope(site)
            await _tier(site)
            await _before_sentence(site)
            await _enhanced(site)
            await _standard(site)
            await _moved(site)
            await _released(site, hub, folder)
            for organisation in keys:
                await site.fetched(organisation)
    return site


async def _scope(site: Site) -> None:
    """A long sentence and a short one, neither with an Offender Manager; one stated against the rule."""
    await site.open("long", **LONG, tier=2)
    await site.open("short", **SHORT, tier=2)
    await site.appoint("short", ADMINISTRATOR)
    await site.open("stated", **SHORT, tier=2, in_scope=True)


async def _tier(site: Site) -> None:
    """A tier from its factors, one below them, and a factor that is none."""
    await site.open("tiers", **LONG, tier_factors=["ROSH_MEDIUM", "PPO: named by invented police"])
    await site.appoint("tiers", ADMINISTRATOR)
    await site.appoint("tiers", MANAGER, grade="PSO")
    await site.says("tiers", tier=2, tier_factors=["ROSH_HIGH"])
    await site.says("tiers", tier_factors=["ROSH_LOW", "SECRETLY_FINE"], refused="factor")


async def _before_sentence(site: Site) -> None:
    """An oral report and a standard delivery report."""
    await site.open("oral", sentence_type="PRE_SENTENCE", court_report="ORAL")
    await site.open("standard-report", sentence_type="PRE_SENTENCE", court_report="STANDARD_DELIVERY")
    await site.appoint("oral", ADMINISTRATOR)
    await site.appoint("oral", (PROBATION, "offender_manager", "court-reed"))
    await site.says("oral", sentence_type="COMMUNITY_ORDER", tier=2)
    ended = {"action": "END", "role": "offender_manager", "organisation": PROBATION}
    await site.post("oral", BOSS, "team-changes", ended)
    await site.appoint("oral", MANAGER, grade="PSO")


async def _received(site: Site, case: str, days: int) -> None:
    reception = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    at = f"{ago(days):%Y-%m-%dT%H:%M:%SZ}"
    await site.post(case, UNIT, "prison-events", {**reception, "at": at})


async def _screened(site: Site, case: str, days: int) -> None:
    screen = {"assessment": f"screen-{case}", "kind": "CORE_SCREEN", "made_by_role": "offender_supervisor"}
    await site.post(case, OFFICER, "assessments", screen, at=ago(days))


async def _enhanced(site: Site) -> None:
    """Five years in Scotland: Core Screen missed, social worker, family, a conference that is late."""
    await site.open("enhanced", jurisdiction="SCOTLAND", **LONG)
    await site.appoint("enhanced", ADMINISTRATOR)
    await site.appoint("enhanced", OFFICER)
    await _received(site, "enhanced", 400)
    await site.has("enhanced", "CORE-SCREEN-OVERDUE")
    await site.appoint("enhanced", MANAGER)
    conference = {"review": "conference-1", "kind": "CASE_CONFERENCE", "action": "CONVENED"}
    convened = {**conference, "attendees": [NOBODY | {"role": "social_worker"}, RELATIVE]}
    await site.post("enhanced", ADMINISTRATOR, "reviews", convened, refused="family")
    consent = {"consent": "family", "action": "GIVEN", "classes": ["third_party"]}
    await site.post("enhanced", ADMINISTRATOR, "consents", consent)
    await site.post("enhanced", ADMINISTRATOR, "reviews", convened)
    await _screened(site, "enhanced", 395)
    await site.has("enhanced", "CASE-CONFERENCE-OVERDUE")


async def _standard(site: Site) -> None:
    """Two years in Scotland: the route is asked for; a conference near release; then no more part taken."""
    await site.open("standard", jurisdiction="SCOTLAND", **(LONG | {"sentence_days": 730}))
    await site.appoint("standard", ADMINISTRATOR)
    await site.appoint("standard", OFFICER)
    await _received(site, "standard", 20)
    await _screened(site, "standard", 15)
    await site.says("standard", icm_route="STANDARD")
    await site.says("standard", release_date=f"{ago(-100):%Y-%m-%d}")
    await site.has("standard", "CASE-CONFERENCE-DUE")
    await site.open("unwilling", jurisdiction="SCOTLAND", **(LONG | {"sentence_days": 730}))
    await site.appoint("unwilling", ADMINISTRATOR)
    await site.appoint("unwilling", OFFICER)
    await site.says("unwilling", icm_participates=False)
    await _received(site, "unwilling", 20)


async def _moved(site: Site) -> None:
    """A case with a provider moves to Scotland, and the provider goes on with it."""
    await site.open("moved", **LONG, tier=2)
    await site.appoint("moved", ADMINISTRATOR)
    await site.appoint("moved", MANAGER, grade="PSO")
    offer = {
        "referral": "RF-moved",
        "action": "OFFER",
        "provider": RECOVERY,
        "rung": 2,
        "typology": "BARRIER_FACTORS",
        "nature": "REHABILITATIVE",
        "category": "DEPENDENCY_RECOVERY",
    }
    await site.post("moved", MANAGER, "referrals", offer)
    accept = {"referral": "RF-moved", "action": "ACCEPT", "key_worker": WORKER[2]}
    await site.post("moved", WORKER, "referrals", accept)
    await site.says("moved", jurisdiction="SCOTLAND")
    progress = {"referral": "RF-moved", "kind": "SESSION", "attendance": "ATTENDED"}
    await site.post("moved", WORKER, "progress", progress)
    await site.says("long", icm_route="STANDARD", refused="elsewhere")


async def _released(site: Site, hub: Hub, folder: Path) -> None:
    """A stricter scope rule and a lower grade are released; the next case goes by them."""
    shutil.copytree(PROFILES, folder / "profiles")
    file = folder / "profiles" / "england_and_wales.yaml"
    plain = yaml.safe_load(file.read_text("utf-8"))
    rule = {"name": "two-years", "from": "2020-01-01", "source": "invented for the test"}
    clause = {"sentences": ["DETERMINATE"], "days_min": 2001, "age_min": 18}
    plain |= {"version": "1.1", "in_force_from": "2020-01-01", "scope": [rule | {"any_of": [clause]}]}
    file.write_text(yaml.safe_dump(plain), encoding="utf-8")
    command = ["release", "--profiles", str(folder / "profiles")]
    done = await asyncio.to_thread(CliRunner().invoke, app, command, catch_exceptions=False)
    site.said = [done.stdout]
    again = await asyncio.to_thread(CliRunner().invoke, app, command, catch_exceptions=False)
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["list", "--json"], catch_exceptions=False)
    site.said += [again.stdout]
    site.listed = json.loads(shown.stdout)
    assert len(await hub.profiles()) == 3
    await site.open("after", **LONG, tier=2)
    await site.appoint("after", ADMINISTRATOR)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One hub, its own Kafka and PostgreSQL, after all of it."""
    settings = load(instance=f"mp{os.getpid()}", log_level="error")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_INSTANCE", settings.instance)
        try:
            yield asyncio.run(play(settings, tmp_path_factory.mktemp("profiles")))
        finally:
            broker.erase(settings)
            server.erase(settings)
            shutil.rmtree(settings.instance_folder, ignore_errors=True)


def exceptions(site: Site, case: str) -> dict[str, dict[str, Any]]:
    """Return the exception reports the region had in its mailbox on a case, by code."""
    own = [each for each in site.mail[PROBATION] if case_of(each) == site.cases[case]]
    return {each["data"]["code"]: each["data"] for each in own if each["type"] == "exception"}


def received(site: Site, case: str, organisation: str, message: str) -> list[dict[str, Any]]:
    """Return what an organisation was delivered of a type on a case."""
    own = site.own[organisation][case]
    return [
        each["data"] for each in site.mail[organisation] if each["type"] == message and case_of(each) == own
    ]


@pytest.mark.requirement("R-CASE-07")
def test_only_the_case_the_scope_rule_takes_in_is_reported_without_an_offender_manager(site: Site) -> None:
    assert "CASE-WITHOUT-OM" in exceptions(site, "long")
    assert exceptions(site, "short") == {}
    assert "SCOPE-AT-ODDS" in exceptions(site, "stated")


@pytest.mark.requirement("R-CASE-08")
def test_a_tier_follows_from_its_factors_and_asks_for_a_grade(site: Site) -> None:
    """PPO makes tier 4, where a Probation Service Officer is below the tier."""
    assert "OM-GRADE-BELOW-TIER" in exceptions(site, "tiers")
    below = exceptions(site, "tiers")["TIER-BELOW-FACTORS"]
    assert below["detail"].endswith("They ask for tier 4.")


@pytest.mark.requirement("R-CASE-08")
def test_a_factor_that_is_none_is_named_by_its_place_to_staff_and_sender(site: Site) -> None:
    """Who said it manages the case: it learns which factor is none, and which there are."""
    code, detail = site.refused["factor"]
    assert code == "TIER-FACTOR-UNKNOWN"
    assert detail.startswith("/data/tier_factors/1: ")
    assert "SECRETLY" not in detail
    assert site.refused_as["factor"]["refusal"] == {"code": code, "detail": detail}


@pytest.mark.requirement("R-CON-08")
def test_an_oral_report_begins_no_continuity_and_a_standard_one_is_allocated_by_likely_tier(
    site: Site,
) -> None:
    """The court's author ended without a line manager's reason, and the one after them was no transfer."""
    assert exceptions(site, "oral").keys() <= {"CASE-WITHOUT-OM"}
    assert {"CASE-WITHOUT-OM", "REPORT-WITHOUT-LIKELY-TIER"} == exceptions(site, "standard-report").keys()


@pytest.mark.requirement("R-SCO-01")
def test_the_core_screen_is_missed_and_the_route_asked_for_in_the_coordinators_mailbox(site: Site) -> None:
    found = exceptions(site, "enhanced")
    assert "Core Screen has not been held" in found["CORE-SCREEN-OVERDUE"]["detail"]
    assert "community-based social worker (Offender Manager)" in found["CASE-WITHOUT-OM"]["detail"]
    standard = exceptions(site, "standard")
    assert "ICM-ROUTE-OPEN" in standard
    assert "CASE-WITHOUT-OM" not in standard
    assert "ASSESSMENT-NOT-BY-OM" not in standard


@pytest.mark.requirement("R-SCO-02")
def test_family_is_asked_contacted_and_invited_only_as_the_person_agrees(site: Site) -> None:
    assert {"ICM-FAMILY-CONSENT-TO-ASK", "ICM-FAMILY-TO-CONTACT"} <= exceptions(site, "enhanced").keys()
    assert site.refused["family"][0] == "ICM-FAMILY-WITHOUT-CONSENT"
    assert "/data/attendees/1:" in site.refused["family"][1]
    assert site.refused_as["family"]["refusal"]["code"] == "ICM-FAMILY-WITHOUT-CONSENT"
    reviews = received(site, "enhanced", MOORLAND, "review")
    assert len(reviews) >= 1
    assert {each["kind"] for each in reviews} == {"CASE_CONFERENCE"}
    assert exceptions(site, "unwilling") == {}


@pytest.mark.requirement("R-SCO-03")
def test_a_case_conference_is_called_for_each_year_and_before_release(site: Site) -> None:
    due = exceptions(site, "enhanced")["CASE-CONFERENCE-DUE"]
    assert "personal or supervising officer" in due["detail"]
    assert "CASE-CONFERENCE-OVERDUE" in exceptions(site, "enhanced")
    near = exceptions(site, "standard")
    assert "CASE-CONFERENCE-DUE" in near
    assert "CASE-CONFERENCE-OVERDUE" not in near


@pytest.mark.requirement("R-SCO-01")
def test_a_case_that_moves_between_jurisdictions_keeps_its_provider_and_its_reference(site: Site) -> None:
    """The drug service goes on under the same reference, and its progress reaches the same mailbox."""
    assert "JURISDICTION-MOVED" in exceptions(site, "moved")
    progress = [each for each in site.mail[PROBATION] if each["type"] == "progress"]
    assert {case_of(each) for each in progress} == {site.cases["moved"]}
    assert site.refused["elsewhere"][0] == "ICM-NOT-HERE"


@pytest.mark.requirement("R-CASE-07")
def test_a_profile_released_on_the_running_hub_decides_the_next_case(site: Site) -> None:
    """The first case with the same facts was in scope; by the new rule the later one is not."""
    assert site.said == [
        "released: england-and-wales:1.1, in force from 2020-01-01\n",
        "released already: nothing has changed\n",
    ]
    states = {each["name"]: each["state"] for each in site.listed}
    assert states == {
        "england-and-wales:1.0": "past",
        "england-and-wales:1.1": "in force",
        "scotland:1.0": "in force",
    }
    assert exceptions(site, "after") == {}
