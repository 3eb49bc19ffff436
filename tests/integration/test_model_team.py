"""Team, referrals, plan and continuity by the hub's own doors: what every recipient gets of one case."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

from hub.adapters import broker
from hub.adapters.database import server
from hub.app import running
from hub.cli import app
from hub.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


pytestmark = [pytest.mark.timeout(300), pytest.mark.public_door]
REGION, PRISON, RIVER, HAVEN = "example-region", "example-prison", "example-river", "example-haven"
OM, CA, OS = "offender_manager", "case_administrator", "offender_supervisor"
KW, LM, OMU = "key_worker", "line_manager", "offender_management_unit"
FERN, ALDER, REED, LEAD, WORKER, HOST = "om-fern", "om-alder", "om-reed", "lm-lead", "kw-worker", "kw-host"
WAIT_S, SHORT_MS = 40, 1500
EVERYTHING = [
    *("case", "team-change", "referral", "plan", "risk-change", "consent", "progress", "receipt"),
    *("review", "prison-event", "correction"),
]
PURPOSES = [
    *("case_administration", "referral", "progress", "risk_alert", "sentence_plan", "rights"),
    *("transfer_release", "assessment", "enforcement"),
]
Data = dict[str, Any]


def organisation(name: str, **facts: object) -> Data:
    """An organisation's description, in house unless said otherwise."""
    return {
        "organisation": name,
        "name": name.replace("-", " ").title(),
        "kind": "probation",
        "rung": 1,
        "legal_status": "in_house",
        "status_evidence": "Example order",
        "standing": "active",
        "purposes": PURPOSES,
        "sends": EVERYTHING,
        "access": "all_cases",
        "policy_document": True,
        **facts,
    }


PARTIES = (
    organisation(REGION),
    organisation(PRISON, kind="prison", prison="MDI"),
    organisation(RIVER, kind="partner", rung=2, legal_status="under_arrangements"),
    organisation(HAVEN, kind="partner", rung=3, legal_status="listed"),
)


@dataclass(kw_only=True)
class Story:
    """One case as it went: what was answered, what every organisation received."""

    states: dict[str, Data] = field(default_factory=dict)
    """By the step's name, how its sender was told it ended."""
    received: dict[str, dict[str, Data]] = field(default_factory=dict)
    """By organisation, every delivery it ever fetched, by id."""
    listed: dict[str, list[Data]] = field(default_factory=dict)
    """What was in mailboxes at a certain moment."""
    records: dict[str, httpx.Response] = field(default_factory=dict)
    readings: list[tuple[Any, ...]] = field(default_factory=list)
    copy: str = ""

    def got(self, name: str, message: str, role: str | None = None, **holding: object) -> list[Data]:
        """Return what an organisation got of a type, in a role, whose fields are these."""
        return [
            each["data"]
            for each in self.received.get(name, {}).values()
            if each["type"] == message
            and role in {None, each["envelope"]["hub-role"]}
            and all(each["data"].get(key) == value for key, value in holding.items())
        ]

    def reported(self, code: str, role: str = OM, name: str = REGION) -> list[Data]:
        """Return the exception reports of a code that reached a role."""
        return self.got(name, "exception", role, code=code)


@dataclass(kw_only=True)
class Stage:
    """The doors of one running hub."""

    http: httpx.AsyncClient
    keys: Mapping[str, str]
    story: Story = field(default_factory=Story)
    cases: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    async def say(
        self, step: str, who: tuple[str, str, str], message: str, data: Mapping[str, object]
    ) -> Data:
        """Post a message, wait until it is decided, and keep how that was told."""
        self.sent += 1
        name, role, person = who
        body: Data = {
            "contract": "1.0",
            "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "author": person,
            "author_role": role,
            "statement": "fact",
            "data": data,
        }
        if name in self.cases:
            body["case"] = self.cases[name]
        route = message if message == "progress" else f"{message}s"
        headers = self.authority(name) | {"Idempotency-Key": f"k-{self.sent}"}
        answer = await self.http.post(f"/v1/{route}", json=body, headers=headers)
        assert answer.status_code == httpx.codes.ACCEPTED, (step, answer.text)
        said: Data = answer.json()
        async with asyncio.timeout(WAIT_S):
            while True:
                state = (await self.http.get(said["status_url"], headers=self.authority(name))).json()
                if state["state"] != "accepted":
                    break
                await asyncio.sleep(0.05)
        self.story.states[step] = state
        return said

    def authority(self, name: str) -> dict[str, str]:
        """Return the header an organisation is known by."""
        return {"Authorization": f"Bearer {self.keys[name]}"}

    async def listing(self, name: str) -> list[Data]:
        """Return what waits for an organisation."""
        answer = await self.http.get("/v1/mailbox/messages?limit=500", headers=self.authority(name))
        return list(answer.raise_for_status().json()["messages"])

    async def gather(self, *names: str) -> None:
        """Fetch all that waits, and keep what is new."""
        for name in names or tuple(self.keys):
            kept = self.story.received.setdefault(name, {})
            for each in await self.listing(name):
                if each["delivery"] in kept:
                    continue
                path = f"/v1/mailbox/messages/{each['delivery']}"
                answer = await self.http.get(path, headers=self.authority(name))
                if answer.status_code == httpx.codes.OK:
                    kept[each["delivery"]] = answer.json() | {"type": each["type"], "id": each["delivery"]}

    async def until(self, name: str, holds: Callable[[], object]) -> None:
        """Gather for an organisation until something is there."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                await self.gather(name)
                await asyncio.sleep(0.05)

    async def reads(self, step: str, who: tuple[str, str, str], case: str | None = None) -> None:
        """Read the case record as somebody, and keep the answer."""
        name, role, person = who
        path = f"/v1/cases/{case or self.cases[name]}?role={role}"
        headers = self.authority(name) | {"Hub-Reader": person}
        self.story.records[step] = await self.http.get(path, headers=headers)


FERN_AS_OM, FERN_AS_CA, LEADER = (REGION, OM, FERN), (REGION, CA, FERN), (REGION, LM, LEAD)
THE_WORKER, THE_HOST, THE_UNIT = (RIVER, KW, WORKER), (HAVEN, KW, HOST), (PRISON, OMU, "omu-1")


def soon(milliseconds: int) -> str:
    """Return an instant so many milliseconds from now, as ISO 8601."""
    at = datetime.fromtimestamp(time.time() + milliseconds / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def appoint(role: str, name: str, person: str, **more: object) -> Data:
    """An appointment."""
    return {"action": "APPOINT", "role": role, "organisation": name, "person": person, **more}


def offer(name: str, provider: str, rung: int, **more: object) -> Data:
    """An offer of a referral."""
    return {
        "referral": name,
        "action": "OFFER",
        "provider": provider,
        "rung": rung,
        "typology": "BARRIER_FACTORS",
        "nature": "REHABILITATIVE",
        "category": "DEPENDENCY_RECOVERY",
        "intervention": "Invented course",
        "mandatory_for_person": True,
        **more,
    }


def plan(version: int, **more: object) -> Data:
    """A version of the Sentence Plan with an objective for the drug service and one for the manager."""
    objectives = [
        {"objective": "o-1", "title": "Stay clean", "purpose": "REFORM", "organisation": RIVER, "role": KW},
        {
            "objective": "o-2",
            "title": "Plan the release",
            "purpose": "REFORM",
            "organisation": REGION,
            "role": OM,
        },
    ]
    return {"version": version, "change_summary": f"Change {version}", "objectives": objectives, **more}


def transfer(person: str, reason: str, **more: object) -> Data:
    """A transfer of the Offender Manager, authorised by the line manager."""
    return {
        "action": "TRANSFER_OM",
        "organisation": REGION,
        "person": person,
        "grade": "PO",
        "reason": reason,
        "authorised_by": LEAD,
        "authorised_role": LM,
        "handover_until": soon(3_600_000),
        **more,
    }


async def set_up(stage: Stage) -> None:
    """Open the case and set up its team; somebody tries a second Offender Manager."""
    opening = {"action": "OPENED", "forename": "Testperson", "jurisdiction": "ENGLAND_AND_WALES", "tier": 2}
    opened = await stage.say("opened", (REGION, CA, FERN), "case", opening | {"in_scope": True})
    stage.cases[REGION] = str(opened["case"])
    await stage.say("om", LEADER, "team-change", appoint(OM, REGION, FERN, grade="PSO"))
    await stage.say("ca", LEADER, "team-change", appoint(CA, REGION, FERN))
    await stage.say("second om", LEADER, "team-change", appoint(OM, REGION, ALDER))
    await stage.say("supervisor", LEADER, "team-change", appoint(OS, PRISON, "os-1"))


async def refer(stage: Stage) -> None:
    """Refer the person, by whom it may be and by whom it may not; one provider does not answer in time."""
    await stage.say("offer", FERN_AS_OM, "referral", offer("R1", RIVER, 2))
    await stage.say("offer by ca", FERN_AS_CA, "referral", offer("R2", HAVEN, 3))
    story = stage.story
    await stage.until(RIVER, lambda: story.got(RIVER, "referral", action="OFFER"))
    (first,) = story.received[RIVER].values()
    stage.cases[RIVER] = first["envelope"]["ce_subject"]
    accept = {"referral": "R1", "action": "ACCEPT", "key_worker": WORKER}
    await stage.say("accept", THE_WORKER, "referral", accept)
    await stage.say("accept again", THE_WORKER, "referral", accept)
    late = offer("R3", HAVEN, 3, category="ACCOMMODATION", answer_by=soon(SHORT_MS))
    await stage.say("offer to haven", FERN_AS_OM, "referral", late)
    wellbeing = offer("R4", RIVER, 2, category="EMOTIONAL_WELLBEING")
    await stage.say("too early", FERN_AS_OM, "referral", wellbeing)
    await stage.until(REGION, lambda: story.reported("REFERRAL-NO-ANSWER"))
    await stage.until(HAVEN, lambda: story.got(HAVEN, "referral", action="OFFER"))
    stage.cases[HAVEN] = next(iter(story.received[HAVEN].values()))["envelope"]["ce_subject"]


async def distribute(stage: Stage) -> None:
    """Distribute the plan twice; the prison fetches nothing, the drug service acknowledges the first."""
    story = stage.story
    await stage.say("consent", FERN_AS_OM, "consent", consent("GIVEN"))
    await stage.say("plan 1", FERN_AS_OM, "plan", plan(1))
    await stage.until(RIVER, lambda: story.got(RIVER, "plan", version=1))
    (held,) = (e["id"] for e in story.received[RIVER].values() if e["type"] == "plan")
    await stage.say("receipt", THE_WORKER, "receipt", {"delivery": held, "level": "READ", "by_role": KW})
    await stage.say("plan by ca", FERN_AS_CA, "plan", plan(2))
    story.listed["before"] = [e for e in await stage.listing(PRISON) if e["type"] == "plan"]
    await stage.say("plan 2", FERN_AS_OM, "plan", plan(2, previous_version=1))
    await stage.until(RIVER, lambda: story.got(RIVER, "plan", version=2))

    async with asyncio.timeout(WAIT_S):
        while True:
            waiting = [e for e in await stage.listing(PRISON) if e["type"] == "plan"]
            if len(waiting) == 1 and waiting[0]["delivery"] != story.listed["before"][0]["delivery"]:
                break
            await asyncio.sleep(0.1)
    story.listed["after"] = waiting
    await stage.gather()


def consent(action: str) -> Data:
    """The person's word on health, to the drug service."""
    return {"consent": "C1", "action": action, "organisations": [RIVER], "classes": ["health"]}


async def risk(stage: Stage) -> None:
    """A Key Worker reports, the Offender Manager registers, a new sentence and a status change come."""
    factor = {
        "kind": "FACTOR",
        "urgency": "SAME_DAY",
        "factor": "Invented factor",
        "factor_change": "NEW",
        "observed_by_role": KW,
        "observed_at": soon(0),
    }
    await stage.say("concern", THE_WORKER, "risk-change", factor)
    rosh = {"kind": "ROSH", "rosh_level": "HIGH", "rosh_previous": "MEDIUM", "urgency": "IMMEDIATE"}
    await stage.say("rosh", FERN_AS_OM, "risk-change", rosh)
    await stage.say("withdrawn", FERN_AS_OM, "consent", consent("WITHDRAWN"))
    sentence = {"action": "CHANGED", "sentence_type": "COMMUNITY_ORDER", "sentence_date": "2026-02-01"}
    await stage.say("sentence", FERN_AS_OM, "case", sentence)
    await stage.say("priority", FERN_AS_OM, "risk-change", {"kind": "PPO", "ppo": True})
    await stage.say(
        "haven accepts", THE_HOST, "referral", {"referral": "R3", "action": "ACCEPT", "key_worker": HOST}
    )
    await stage.until(HAVEN, lambda: stage.story.got(HAVEN, "plan", version=2))
    await stage.gather()


async def read_it(stage: Stage) -> None:
    """Read the case record: who may, and who may not."""
    await stage.reads("worker", THE_WORKER)
    await stage.reads("administrator", FERN_AS_CA)
    await stage.reads("colleague", (RIVER, KW, "kw-other"))
    await stage.reads("as manager", (RIVER, OM, WORKER))
    await stage.reads("nobody's", THE_WORKER, case="case_" + "a" * 60)
    await stage.reads("unnamed", (RIVER, KW, ""))


async def change_manager(stage: Stage) -> None:
    """Transfer the case: unauthorised, after a reception, and because its Offender Manager was threatened."""
    story = stage.story
    event = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI", "at": soon(0)}
    await stage.gather(PRISON)
    stage.cases[PRISON] = next(iter(story.received[PRISON].values()))["envelope"]["ce_subject"]
    await stage.say("reception", THE_UNIT, "prison-event", event)
    alone = transfer(ALDER, "BEYOND_CONTROL", authorised_by=None, authorised_role=None)
    await stage.say("unauthorised", FERN_AS_OM, "team-change", alone)
    meeting = {"handover_meeting_at": soon(SHORT_MS), "conference_at": soon(3_000_000)}
    await stage.say("transfer", LEADER, "team-change", transfer(ALDER, "BEYOND_CONTROL", **meeting))
    await stage.until(REGION, lambda: story.reported("HANDOVER-MEETING-NOT-HELD"))
    await stage.gather()
    await stage.say("threatened", LEADER, "team-change", transfer(REED, "THREATENED"))
    await stage.until(RIVER, lambda: len(story.got(RIVER, "team-change", action="TRANSFER_OM")) > 1)
    await stage.gather()


async def leave(stage: Stage) -> None:
    """End the drug service's work; a further version of the plan does not reach it."""
    reed, story = (REGION, OM, REED), stage.story
    for name in ("R1", "R4"):
        over = {"referral": name, "action": "WITHDRAW", "withdrawal_code": "NEE", "end_reason": "Done"}
        await stage.say(f"withdraw {name}", reed, "referral", over)
    await stage.until(RIVER, lambda: story.reported("DISPOSE", KW, RIVER))
    await stage.say("plan 3", reed, "plan", plan(3))
    await stage.until(HAVEN, lambda: story.got(HAVEN, "plan", version=3))
    await stage.gather()


async def command(*words: str) -> str:
    """Ask by the command line's own functions."""
    asked = await asyncio.to_thread(CliRunner().invoke, app, [*words])
    assert asked.exception is None, asked.exception
    return asked.stdout


async def play(instance: str) -> Story:
    """Play the whole case on a hub of its own."""
    async with running(load(instance=instance)) as hub:
        keys = {str(each["organisation"]): await hub.add_organisation(each) for each in PARTIES}
        async with httpx.AsyncClient(base_url=hub.http_url, timeout=20) as http:
            stage = Stage(http=http, keys=keys)
            for chapter in (set_up, refer, distribute, risk, read_it, change_manager, leave):
                await chapter(stage)
            words = ("policy", "own-copy", "--case", stage.cases[REGION])
            stage.story.copy = await command(*words)
            asked = ("ledger", "readings", "--case", stage.cases[REGION], "--json")
            read = json.loads(await command(*asked))
            stage.story.readings = [(each["organisation"], each["role"], each["person"]) for each in read]
            return stage.story


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One case, from its opening to the end of a provider's work."""
    settings = load(instance=f"team{os.getpid()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_INSTANCE", settings.instance)
        patch.setattr("hub.app.questions.set_up_logs", lambda _settings: None)
        try:
            yield asyncio.run(play(settings.instance))
        finally:
            broker.erase(settings)
            server.erase(settings)
            shutil.rmtree(settings.instance_folder, ignore_errors=True)


def refusal(story: Story, step: str) -> tuple[str, str]:
    """Return with which reason a sender was told that its message was refused."""
    state = story.states[step]
    assert state["state"] == "refused"
    return state["refusal"]["code"], state["refusal"]["detail"]


@pytest.mark.requirement("R-CASE-02", "R-MSG-06")
def test_a_case_has_one_offender_manager(story: Story) -> None:
    """Without one it is an exception at once; a second is refused, and the sender learns by which rule."""
    assert story.reported("CASE-WITHOUT-OM", CA)
    code, detail = refusal(story, "second om")
    assert code == "OM-ALREADY-HELD"
    assert "002 2.4.5" in detail


@pytest.mark.requirement("R-CASE-03", "R-CASE-04")
def test_one_person_holds_two_roles_and_a_split_needs_a_reason(story: Story) -> None:
    """The same person is told in each role; a supervisor without a stated reason is reported."""
    assert story.got(REGION, "plan", OM, version=2)
    assert story.got(REGION, "plan", CA, version=2)
    assert story.reported("SPLIT-UNEXPLAINED")


@pytest.mark.requirement("R-MSG-01", "R-REF-01", "R-REF-02", "R-CASE-05")
def test_a_referral_says_what_it_is_and_is_brokered_by_whom_it_may(story: Story) -> None:
    """Rung, typology and nature reach the provider; rung 3 takes the Offender Manager in person."""
    offered = story.got(RIVER, "referral", action="OFFER", referral="R1")[0]
    assert (offered["typology"], offered["nature"]) == ("BARRIER_FACTORS", "REHABILITATIVE")
    assert offered["mandatory_for_person"] is True
    code, detail = refusal(story, "offer by ca")
    assert code == "REFERRAL-RUNG-NEEDS-OM"
    assert "002 3.19" in detail
    assert story.got(REGION, "referral", OM, action="ACCEPT", key_worker=WORKER)


@pytest.mark.requirement("R-REF-03")
def test_an_unanswered_referral_is_reported_and_an_illegal_move_refused(story: Story) -> None:
    """The deadline passes by itself; the provider learns why its second answer is not taken."""
    assert len(story.reported("REFERRAL-NO-ANSWER")) == 1
    assert refusal(story, "accept again")[0] == "REFERRAL-ILLEGAL-MOVE"


@pytest.mark.requirement("R-REF-04")
def test_the_broker_is_warned_of_the_sequence(story: Story) -> None:
    """Emotional wellbeing was offered while dependency recovery is under way."""
    (report,) = story.reported("SEQUENCE-PREREQUISITE")
    assert "002 3.33" in report["detail"]


@pytest.mark.requirement("R-MSG-04", "R-PLAN-01", "R-RTE-04")
def test_the_plan_reaches_everybody_with_their_own_part_marked(story: Story) -> None:
    """What changed is stated; another than the Offender Manager changes nothing."""
    (first,) = story.got(RIVER, "plan", version=1)
    assert first["change_summary"] == "Change 1"
    assert {each["objective"]: each["yours"] for each in first["objectives"]}["o-1"] is True
    own = {
        each["objective"]: each["yours"] for each in story.got(REGION, "plan", OM, version=2)[0]["objectives"]
    }
    assert own == {"o-1": None, "o-2": True}
    assert refusal(story, "plan by ca")[0] == "PLAN-NOT-BY-OM"


@pytest.mark.requirement("R-PLAN-01", "R-PLAN-02")
def test_a_superseded_version_leaves_the_mailbox_before_it_is_fetched(story: Story) -> None:
    """The prison had fetched nothing: of the two versions only the second waits."""
    assert len(story.listed["before"]) == 1
    assert len(story.listed["after"]) == 1
    assert [each["version"] for each in story.got(PRISON, "plan", OS)][:1] == [2]


@pytest.mark.requirement("R-PLAN-02", "R-CASE-09")
def test_the_administrator_reads_who_holds_which_version(story: Story) -> None:
    """The drug service acknowledged the first version; the second is on its way."""
    answer = story.records["administrator"]
    assert answer.status_code == httpx.codes.OK, answer.text
    holders = {(each["organisation"], each["role"]): each for each in answer.json()["plan_holders"]}
    assert (holders[RIVER, KW]["sent"], holders[RIVER, KW]["acknowledged"]) == (2, 1)


@pytest.mark.requirement("R-CASE-09")
def test_a_member_reads_the_record_as_far_as_they_may_and_it_is_recorded(story: Story) -> None:
    """Nobody else finds anything: a colleague, another role, a case there is not; who reads must be said."""
    entries = story.records["worker"].json()["entries"]
    assert {each["type"] for each in entries} >= {"plan", "referral", "team-change"}
    assert {each["data"]["referral"] for each in entries if each["type"] == "referral"} == {"R1", "R4"}
    refused = [story.records[step] for step in ("colleague", "as manager", "nobody's")]
    assert {answer.status_code for answer in refused} == {httpx.codes.NOT_FOUND}
    assert len({answer.content for answer in refused}) == 1
    assert story.records["unnamed"].json()["code"] == "parameter-invalid"
    assert story.readings == [(REGION, CA, FERN), (RIVER, KW, WORKER)]


@pytest.mark.requirement("R-PLAN-03")
def test_the_persons_own_copy_is_produced_from_what_was_posted(story: Story) -> None:
    """It holds the objectives of the plan in force."""
    assert "Stay clean" in story.copy


@pytest.mark.requirement("R-MSG-03", "R-MSG-07")
def test_risk_and_consent_say_what_they_must(story: Story) -> None:
    """Who saw it and how urgent reaches the Offender Manager; the drug service learns of its consent."""
    seen = story.got(REGION, "risk-change", OM, kind="FACTOR")[0]
    assert (seen["urgency"], seen["observed_by_role"]) == ("SAME_DAY", KW)
    assert {each["action"] for each in story.got(RIVER, "consent")} == {"GIVEN", "WITHDRAWN"}


@pytest.mark.requirement("R-CASE-06")
def test_a_joiner_begins_with_the_plan_and_risk_and_a_leaver_disposes_of_them(story: Story) -> None:
    """The housing provider joins late, the drug service leaves; access follows at that moment."""
    assert story.got(HAVEN, "plan", version=2)
    assert story.got(HAVEN, "risk-change", kind="ROSH")
    (dispose,) = story.reported("DISPOSE", KW, RIVER)
    assert "The Sentence Plan is version 2" in dispose["detail"]
    assert not story.got(RIVER, "plan", version=3)


@pytest.mark.requirement("R-CON-01", "R-CON-06")
def test_a_transfer_is_authorised_and_one_with_a_reception_is_structural(story: Story) -> None:
    """Without a line manager it is refused by 003 ¶5; close to a reception it is questioned by 003 ¶3."""
    code, detail = refusal(story, "unauthorised")
    assert code == "OM-TRANSFER-UNAUTHORISED"
    assert "003 ¶5" in detail
    assert "003 ¶3" in story.reported("DISCONTINUITY-CUSTODY")[0]["detail"]


@pytest.mark.requirement("R-CON-03", "R-CON-04")
def test_a_handover_meeting_that_was_not_held_and_a_second_transfer_are_reported(story: Story) -> None:
    """Both are made of what time and the log say alone."""
    assert story.reported("HANDOVER-MEETING-NOT-HELD")
    assert story.reported("OM-SECOND-TRANSFER")


@pytest.mark.requirement("R-CON-02")
def test_the_manager_who_follows_a_threatened_one_is_not_named_to_a_partner(story: Story) -> None:
    """That the case has a new Offender Manager is told; who it is, to nobody outside."""
    told = [str(each) for each in story.received[RIVER].values()]
    assert story.got(RIVER, "team-change", action="TRANSFER_OM")
    assert not [each for each in told if REED in each]
    assert story.got(REGION, "team-change", CA, person=REED)


@pytest.mark.requirement("R-CON-05", "R-CON-07")
def test_risk_priority_and_a_new_sentence_end_nobodys_work(story: Story) -> None:
    """Who should hold the case is asked; until somebody decides, the Offender Manager goes on."""
    assert "003 ¶7" in story.reported("ROSH-INTO-HIGH")[0]["detail"]
    assert story.states["sentence"]["state"] == story.states["priority"]["state"] == "routed"
    entries = story.records["administrator"].json()["entries"]
    managers = {each["data"]["person"] for each in entries if each["data"].get("role") == OM}
    assert managers == {FERN}
    assert "003 ¶6" in story.reported("OM-CHANGED-WITH-STATUS")[0]["detail"]
