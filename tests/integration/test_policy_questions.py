"""Explain, why-not, what-if and who-may-see asked of a running hub, held against what was delivered."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from structlog.testing import capture_logs
from typer.testing import CliRunner

from hub.adapters import broker
from hub.adapters.database import server
from hub.app import running
from hub.cli import ledger
from hub.cli.console import exit_code
from hub.cli.policy import app
from hub.demo.organisations import PROBATION, RECOVERY, parties
from hub.errors import HubError
from hub.settings import load
from hub.topics.policy_files import POLICY
from tests.integration.projected_world import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hub.settings import Settings

pytestmark = pytest.mark.timeout(180)
ROOT = Path(__file__).resolve().parents[2]
HEALTH = "health_needs"
WORKER = (RECOVERY, "key_worker")


@dataclass(kw_only=True)
class Hub:
    """A running hub as organisations and staff reach it, with a process of its own for each command."""

    http: httpx.AsyncClient
    keys: dict[str, str]
    sent: int = 0

    async def post(
        self, by: tuple[str, str, str], path: str, data: Mapping[str, object], case: str | None = None
    ) -> dict[str, Any]:
        """Post a message and wait until it is routed."""
        self.sent += 1
        organisation, role, person = by
        body = {
            "contract": "1.0",
            "occurred_at": "2026-03-02T09:15:00Z",
            "author": person,
            "author_role": role,
            "statement": "fact",
            "data": data,
        }
        authority = {"Authorization": f"Bearer {self.keys[organisation]}"}
        headers = authority | {"Idempotency-Key": f"k-{self.sent}"}
        answer = await self.http.post(path, json=body | ({"case": case} if case else {}), headers=headers)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()

        async def routed() -> bool:
            status = await self.http.get(found["status_url"], headers=authority)
            return bool(status.json()["state"] == "routed")

        await until(routed)
        return found

    async def mailbox(self, organisation: str) -> list[dict[str, Any]]:
        """Fetch everything in a mailbox."""
        headers = {"Authorization": f"Bearer {self.keys[organisation]}"}
        listed = (await self.http.get("/v1/mailbox/messages", headers=headers)).raise_for_status().json()
        return [
            (await self.http.get(f"/v1/mailbox/messages/{each['delivery']}", headers=headers))
            .raise_for_status()
            .json()
            | {"delivery": each["delivery"]}
            for each in listed["messages"]
        ]

    async def received(self, referral: str) -> dict[str, Any]:
        """Wait until the drug service has been told of a referral, and return what it got."""
        found: list[dict[str, Any]] = []

        async def there() -> bool:
            offers = [each for each in await self.mailbox(RECOVERY) if each["data"].get("forename")]
            found[:] = [each for each in offers if each["data"]["referral"] == referral]
            return bool(found)

        await until(there)
        return found[-1]

    async def ask(self, *words: str) -> Asked:
        """Ask by the command line's own functions."""
        with capture_logs() as logs:
            found = await asyncio.to_thread(CliRunner().invoke, app, [*words])
        error = found.exception
        if isinstance(error, HubError):
            return Asked(code=exit_code(error), out=found.stdout, error=f"{error} {error.fix}", logs=logs)
        assert error is None, error
        return Asked(code=0, out=found.stdout, error="", logs=logs)

    async def recorded(self) -> list[dict[str, Any]]:
        """Read what the hub has recorded of who asked what."""
        words = ["consultations", "--limit", "1000", "--json"]
        found = await asyncio.to_thread(CliRunner().invoke, ledger.app, words)
        assert found.exit_code == 0, found.output
        return list(json.loads(found.stdout))

    async def ask_outside(self, *words: str, log_level: str = "info") -> Asked:
        """Ask as staff would, in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hub",
            "policy",
            *words,
            cwd=ROOT,
            env=os.environ | {"HUB_LOG_LEVEL": log_level},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = (each.decode() for each in await process.communicate())
        logs = [json.loads(line) for line in error.splitlines() if line.startswith("{")]
        return Asked(code=process.returncode, out=out, error=error, logs=logs)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a command said."""

    code: int | None
    out: str
    error: str
    logs: Sequence[Mapping[str, Any]]

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command says
        """Its answer as JSON."""
        assert self.code == 0, self.error
        return json.loads(self.out)

    @property
    def logged(self) -> list[Mapping[str, Any]]:
        """The questions it logged."""
        return [line for line in self.logs if line["event"] == "policy.asked"]


@dataclass(kw_only=True)
class Told:
    """What was delivered, and what was answered."""

    case: str = ""
    offers: list[str] = field(default_factory=list)
    delivered: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The drug service's deliveries of the two offers, by the offer's message id as it knows it."""
    answers: dict[str, Asked] = field(default_factory=dict)
    recorded: list[dict[str, Any]] = field(default_factory=list)
    """What the hub says was asked of it, newest first."""


def offer(name: str) -> dict[str, object]:
    """An offer of a referral to the drug service, with something of the person's health."""
    return {
        "referral": name,
        "action": "OFFER",
        "provider": RECOVERY,
        "rung": 2,
        "typology": "BARRIER_FACTORS",
        "nature": "REHABILITATIVE",
        "category": "DEPENDENCY_RECOVERY",
        "intervention": "Invented course",
        "forename": "Testperson",
        "surname": "Elderflower",
        HEALTH: "Ground floor preferred.",
        "reason": "Invented reason.",
    }


def write_stricter(folder: Path) -> None:
    """Write the hub's own rules without the one by which a provider learns of health with consent."""
    shutil.copytree(POLICY, folder)
    health = yaml.safe_load((folder / "health.yaml").read_text("utf-8"))
    kept = [rule for rule in health["rules"] if rule["id"] != "health.provider-consent"]
    assert len(kept) == len(health["rules"]) - 1
    (folder / "health.yaml").write_text(yaml.safe_dump(health | {"rules": kept}), encoding="utf-8")


async def play(settings: Settings, folder: Path) -> Told:
    """Offer a referral, ask about it; record the consent that was lacking, and offer another."""
    told = Told()
    async with running(settings) as started:
        known = {each.organisation: each for each in parties()}
        keys: dict[str, str] = {
            name: await started.add_organisation(known[name].body(since=0)) for name in (PROBATION, RECOVERY)
        }
        async with httpx.AsyncClient(base_url=started.http_url, timeout=20) as http:
            await _play(Hub(http=http, keys=keys), told, folder)
    return told


async def _play(hub: Hub, told: Told, folder: Path) -> None:
    administrator = (PROBATION, "case_administrator", "ca-1")
    manager = (PROBATION, "offender_manager", "om-1")
    opened = {"action": "OPENED", "jurisdiction": "ENGLAND_AND_WALES", "tier": 2, "in_scope": True}
    told.case = case = (await hub.post(administrator, "/v1/cases", opened | {"crn": "X123456"}))["case"]
    appointed = {"action": "APPOINT", "organisation": PROBATION}
    for role, person in (("offender_manager", "om-1"), ("case_administrator", "ca-1")):
        whom = appointed | {"role": role, "person": person} | ({"grade": "PO"} if person == "om-1" else {})
        await hub.post((PROBATION, "line_manager", "lm-1"), "/v1/team-changes", whom, case)
    told.offers = [(await hub.post(manager, "/v1/referrals", offer("REF1"), case))["message"]]
    # Before anything changes: what is in a mailbox may be decided again when the facts change.
    told.delivered["REF1"] = await hub.received("REF1")
    given = f"health:given:{RECOVERY}"
    explained = await hub.ask("explain", told.offers[0], "--json")
    told.answers["choice"] = explained
    chosen = next(
        each["decision_id"]
        for each in explained.json["decisions"]
        if (each["candidate"]["organisation"], each["candidate"]["role"]) == WORKER
    )
    told.answers |= {
        "explain": await hub.ask("explain", chosen, "--why-not", "--json"),
        "clauses": await hub.ask_outside("explain", chosen[:10], "--field", HEALTH, "--why-not"),
        "choice in words": await hub.ask("explain", told.offers[0]),
        "in words": await hub.ask("explain", chosen),
        "why not in words": await hub.ask("explain", chosen, "--why-not"),
        "today": await hub.ask("whatif", "--message-id", told.offers[0], "--today", "--tier", "4"),
        "too short": await hub.ask("explain", chosen[:7]),
        "no field": await hub.ask("explain", chosen, "--field", "health"),
        "as it was": await hub.ask("whatif", "--message-id", told.offers[0], "--json"),
        "consent": await hub.ask("whatif", "--message-id", told.offers[0], "--consent", given, "--json"),
        "consent in words": await hub.ask("whatif", "--message-id", told.offers[0], "--consent", given),
        "before": await hub.ask(
            "who-may-see", "--case", case, "--message", "referral", "--field", HEALTH, "--all", "--json"
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.adapters.ledger.past.releases", nothing_kept)
        told.answers["by rules from the log"] = await hub.ask("explain", chosen, "--json")
    body = {
        "contract": "1.0",
        "occurred_at": "2026-03-02T09:15:00Z",
        "author": "om-1",
        "author_role": "offender_manager",
        "statement": "fact",
        "data": offer("REF2"),
    }
    (folder / "offer.json").write_text(json.dumps(body))
    new = ("whatif", "--file", str(folder / "offer.json"), "--message", "referral", "--from", PROBATION)
    write_stricter(folder / "rules")
    consent = {"consent": "CON1", "action": "GIVEN", "organisations": [RECOVERY], "classes": ["health"]}
    await hub.post(manager, "/v1/consents", consent | {"recorded_how": "IN_PERSON"}, case)
    told.answers |= {
        "new": await hub.ask(*new, "--case", case, "--json"),
        "new, stricter": await hub.ask(*new, "--case", case, "--policy", str(folder / "rules"), "--json"),
        "after": await hub.ask(
            "who-may-see", "--case", case, "--message", "referral", "--field", HEALTH, "--all"
        ),
    }
    told.offers.append((await hub.post(manager, "/v1/referrals", offer("REF2"), case))["message"])
    told.answers["replayed"] = await hub.ask("whatif", "--message-id", told.offers[1], "--json")
    told.answers["unknown"] = await hub.ask("whatif", "--message-id", "0" * 32, "--tier", "9")
    told.delivered["REF2"] = await hub.received("REF2")
    told.answers["unlogged"] = await hub.ask_outside("explain", chosen, log_level="error")
    told.answers["nobody"] = await hub.ask(
        "who-may-see", "--case", "Testperson Elderflower", "--message", "referral", "--field", "Elderflower"
    )
    told.recorded = await hub.recorded()


async def nothing_kept(_connection: object) -> list[dict[str, object]]:
    """Stand in for a projection that keeps no release any more."""
    return []


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """One hub, its own Kafka and PostgreSQL, all that was asked of it."""
    settings = load(instance=f"q{os.getpid()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_INSTANCE", settings.instance)
        # The logs of this process are set up for the hub that runs in it.
        patch.setattr("hub.app.questions.set_up_logs", lambda _settings: None)
        try:
            yield asyncio.run(play(settings, tmp_path_factory.mktemp("asked")))
        finally:
            broker.erase(settings)
            server.erase(settings)
            shutil.rmtree(settings.instance_folder, ignore_errors=True)


def given(message: Mapping[str, Any]) -> set[str]:
    """Return the fields of a delivery that hold something."""
    return {name for name, value in message["data"].items() if value is not None}


def goes(decision: Mapping[str, Any]) -> set[str]:
    """Return the fields that go by a decision and that the offers give."""
    return {
        each["path"]
        for each in decision["fields"]
        if each["outcome"] == "disclose" and each["path"] in offer("REF1")
    }


def decided(answer: Mapping[str, Any], which: str) -> Mapping[str, Any]:
    """Return the decision on the drug service's Key Worker."""
    return next(
        each
        for each in answer[which]
        if (each["candidate"]["organisation"], each["candidate"]["role"]) == WORKER
        and each["message_name"] == "referral"
    )


@pytest.mark.requirement("R-DIS-08")
def test_a_delivery_is_explained_as_it_was_received(told: Told) -> None:
    """The fields said to be disclosed are those received; health was withheld for want of consent."""
    found = told.answers["explain"].json
    assert found["consistent"]
    assert found["delivery_id"] == told.delivered["REF1"]["delivery"]
    received = given(told.delivered["REF1"]) & set(offer("REF1"))
    assert goes(found) == received
    # Of all that might have gone, what the record says was given is what stands in the delivery.
    assert {path for path in found["given"] if not path.startswith("@")} == given(told.delivered["REF1"])
    let_go = {each["path"] for each in found["fields"] if each["outcome"] == "disclose"}
    assert let_go > set(found["given"])
    in_words = " ".join(told.answers["in words"].out.split())
    absent = in_words.partition("not in the message, else disclosed: ")[2]
    assert "date_of_birth" in absent
    assert "date_of_birth" not in in_words.partition("not in the message")[0]
    assert HEALTH not in received
    health = next(each for each in found["fields"] if each["path"] == HEALTH)
    assert (health["outcome"], health["step"]) == ("withhold", "rules")
    why = next(each for each in found["why_not"] if each["path"] == HEALTH)
    assert [[change["fact"] for change in changes] for changes in why["sets"]] == [["consent.health"]]


@pytest.mark.requirement("R-DIS-08")
def test_rules_that_are_kept_nowhere_else_are_read_from_the_log(told: Told) -> None:
    """Every release stands in the log, before the first decision made by it."""
    kept, read = told.answers["explain"].json, told.answers["by rules from the log"].json
    assert read["consistent"]
    assert read["fields"] == kept["fields"]


@pytest.mark.requirement("R-DIS-08")
def test_the_clauses_are_shown_in_words_and_a_slip_names_the_fields_there_are(told: Told) -> None:
    """By the beginning of the decision's id; and no value of the message is in it."""
    shown = told.answers["clauses"]
    assert shown.code == 0, shown.error
    assert "the person's consent for the class was none" in " ".join(shown.out.split())
    assert "record the person's consent for health" in " ".join(shown.out.split())
    assert "Ground floor" not in shown.out
    refused = told.answers["no field"]
    assert refused.code == 4
    assert HEALTH in refused.error
    short = told.answers["too short"]
    assert "ID: " in short.error
    assert "at least the first 8 signs" in short.error


@pytest.mark.requirement("R-DIS-08")
def test_a_decision_is_explained_in_words_by_the_rules_that_decided(told: Told) -> None:
    """Field by field, with basis; which decision of a message; and why not, with what stands in the way."""
    choice = told.answers["choice in words"].out
    lines = re.sub(r"\n {6}", " ", choice).splitlines()[1:]
    assert len(lines) > 1
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+"
    assert all(re.search(rf"{when}  \S+ as \w+: told.*, first decision$", line) for line in lines)
    assert f"{RECOVERY} as key_worker: told, first decision" in " ".join(choice.split())
    words = told.answers["in words"].out
    delivery = told.delivered["REF1"]["delivery"]
    assert f"it was told: delivery {delivery}" in words
    assert f"withheld: {HEALTH}\n    because  CONS-NOT-IN-FORCE: " in words
    assert "basis    OMA14, Offender Management Act 2007 s.14" in words
    why_not = told.answers["why not in words"].out
    assert f"why not {HEALTH}: it would be disclosed with 1 change:" in why_not
    assert "no change people can make would let it go. In the way:" in " ".join(why_not.split())
    assert re.search(
        r"\S+\.\S+ \(NEED-NOT-PERMITTED\): It permits this only where", " ".join(why_not.split())
    )


@pytest.mark.requirement("R-DIS-08")
def test_a_message_asked_about_in_the_world_of_today_is_refused_where_it_would_be(told: Told) -> None:
    """The referral is offered already, so offering it again is no move there is."""
    found = told.answers["today"]
    assert found.code == 0, found.error
    assert "As things are, it is set aside: REFERRAL-ILLEGAL-MOVE" in found.out
    assert "Nothing would be otherwise for anybody." in found.out


@pytest.mark.requirement("R-DIS-08")
def test_what_if_nothing_were_otherwise_is_what_the_ledger_records(told: Told) -> None:
    """The world of the moment is made again from the log, for a message before and one after the consent."""
    for name in ("as it was", "replayed"):
        found = told.answers[name].json
        assert found["as_recorded"] is True
        assert found["differs"] == []
    assert goes(decided(told.answers["replayed"].json, "as_is")) == given(told.delivered["REF2"]) & set(
        offer("REF2")
    )


@pytest.mark.requirement("R-DIS-08")
def test_the_consent_supposed_discloses_what_the_consent_given_did(told: Told) -> None:
    """What-if said it beforehand; the next offer, with the consent recorded, was delivered so."""
    found = told.answers["consent"].json
    assert found["as_recorded"] is True
    changed = {
        (each["organisation"], one["path"]): (one["before"], one["after"])
        for each in found["differs"]
        for one in each["fields"]
    }
    assert changed == {(RECOVERY, HEALTH): ("withhold", "disclose")}
    assert goes(decided(found, "would_be")) == given(told.delivered["REF2"]) & set(offer("REF2"))
    assert told.delivered["REF2"]["data"][HEALTH] == "Ground floor preferred."
    words = told.answers["consent in words"].out
    assert f"withheld -> disclosed [CONS-NOT-IN-FORCE -> CONS-GIVEN]: {HEALTH}\n" in words


@pytest.mark.requirement("R-DIS-08")
def test_a_message_nobody_has_sent_is_answered_as_it_was_delivered_when_it_was(told: Told) -> None:
    """From a file, by the rules in force; and by rules of a folder, which are not in force."""
    received = given(told.delivered["REF2"]) & set(offer("REF2"))
    assert goes(decided(told.answers["new"].json, "as_is")) == received
    stricter = told.answers["new, stricter"].json
    assert goes(decided(stricter, "would_be")) == received - {HEALTH}
    assert {each["organisation"] for each in stricter["differs"]} == {RECOVERY}


@pytest.mark.requirement("R-DIS-08")
def test_who_may_see_follows_the_consent(told: Told) -> None:
    """Before it the drug service is among those who may not, after it among those who may."""
    before = told.answers["before"].json
    assert RECOVERY not in {each["candidate"]["organisation"] for each in before["may"]}
    assert RECOVERY in {each["candidate"]["organisation"] for each in before["may_not"]}
    assert PROBATION in {each["candidate"]["organisation"] for each in before["may"]}
    after = told.answers["after"]
    assert after.code == 0, after.error
    may, may_not = after.out.split("May not:")
    assert f"{RECOVERY} as key_worker" in may
    assert f"{HEALTH}: disclosed, on CONSENT" in may
    assert f"{HEALTH}: withheld, only of a message that is about another organisation's referral" in may_not


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.requirement("R-AUD-01")
def test_every_question_is_logged_with_who_asked_and_no_value(told: Told) -> None:
    """Who, which case, what kind of question; also where the answer was asked for as JSON."""
    kinds = (
        ("explain", "explain"),
        ("clauses", "explain"),
        ("consent", "what-if"),
        ("before", "who-may-see"),
    )
    for name, asked in kinds:
        logged = told.answers[name].logged
        assert logged, told.answers[name].error
        assert logged[0]["asked"] == asked
        assert logged[0]["who"]
        assert len(logged[0]["case"]) == 32
        assert "given" not in json.dumps(logged)
    assert told.recorded
    refused = told.answers["unknown"]
    assert refused.code == 4
    assert "tier" in refused.error


@pytest.mark.requirement("R-AUD-01")
def test_every_question_is_recorded_though_nothing_is_logged(told: Told) -> None:
    """No level of logging switches the record off, and what somebody typed is not in it."""
    assert told.answers["unlogged"].code == 0
    assert not told.answers["unlogged"].logged
    nobody, unlogged, *earlier = told.recorded
    assert (unlogged["asked"], len(unlogged["case_ref"])) == ("explain", 32)
    assert unlogged["who"] == told.answers["explain"].logged[0]["who"]
    assert told.answers["nobody"].code == 4
    assert (nobody["asked"], nobody["case_ref"], nobody["about"]) == (
        "who-may-see",
        None,
        {"message": "referral"},
    )
    logged = [line for name, each in told.answers.items() if name != "nobody" for line in each.logged]
    assert [each["asked"] for each in earlier] == [line["asked"] for line in logged[::-1]]
    assert {each["asked"] for each in earlier} == {"explain", "why-not", "what-if", "who-may-see"}
    for value in ("Elderflower", "Ground floor", "given"):
        assert value not in json.dumps(told.recorded)
