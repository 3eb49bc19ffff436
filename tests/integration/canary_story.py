"""A case in which everybody says everything: each message type, every field filled, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from hub.demo.organisations import Agreement, Party, parties
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.messages.identifiers import OrganisationId
from tests.integration.canaries import Mint, instant

M = MessageName
REGION, PRISON, NEXT_PRISON = (OrganisationId(f"canary-{name}") for name in ("region", "prison", "jail"))
RUNGS = tuple(OrganisationId(f"canary-rung-{number}") for number in (1, 2, 3, 4))
CODES = {PRISON: "QCA", NEXT_PRISON: "QCB"}
Who = tuple[OrganisationId, Role, str]
EVERYBODY = (REGION, PRISON, NEXT_PRISON, *RUNGS)
CATEGORIES = (*("LIFESTYLE_ASSOCIATES", "DEPENDENCY_RECOVERY", "ACCOMMODATION", "FINANCE_BENEFIT_DEBT"),)


PUSHED = frozenset({M.PROGRESS, M.PLAN})
"""What everybody has pushed to a server of their own."""


def canary_parties() -> Iterator[Party]:
    """Return a region, two prisons and a partner on each rung; all take what is not pushed by Kafka, too."""
    like = {party.organisation: party for party in parties()}
    names = ("probation-n54", "hmp-moorland", "hmp-leeds")
    partners = ("programmes-example", "recovery-example", "housing-example", "debt-advice-example")
    everything = frozenset(M)
    for name, of in zip(EVERYBODY, (*names, *partners), strict=True):
        yield replace(
            like[OrganisationId(of)],
            organisation=name,
            name=f"Canary {name}",
            kafka=everything - PUSHED,
            prison=CODES.get(name),
            region="ZN1" if name == REGION else None,
            sends=everything - {M.EXCEPTION},
            agreement=Agreement(name="Canary protocol", classes=frozenset(InformationClass))
            if name == RUNGS[1]
            else None,
        )


@dataclass(frozen=True, kw_only=True)
class Says:
    """One message, said by somebody, with canaries in every field that can carry one."""

    name: str
    by: OrganisationId
    role: Role
    author: str
    message: MessageName
    data: dict[str, object]
    cites: Mapping[str, str]
    """Fields that name an earlier message: by its name here."""
    correlation: str
    key: str


def said_at(name: str) -> str:
    """Return the moment at which a message of this name is said; no two are said at the same."""
    return f"2026-02-03T04:{int(name[:2]):02d}:06Z"


class Story:
    """The case, step by step; made before it is told."""

    def __init__(self, seed: int) -> None:
        """Make everything that is said."""
        self.mint = Mint(random=Random(seed))  # noqa: S311 - for invention, not for secrets
        self.says: list[Says] = []
        token = self.mint.token
        self.manager, self.administrator, self.supervisor, self.boss = token(), token(), token(), token()
        self.unit: Who = (PRISON, Role.OFFENDER_MANAGEMENT_UNIT, token())
        self.workers = {rung: token() for rung in RUNGS}
        self.referrals = {rung: token() for rung in RUNGS}
        self._opened()
        self._referred()
        self._planned()
        self._worked()
        self._managed()
        self._ended()

    def say(
        self,
        who: Who,
        message: MessageName,
        said: Mapping[str, object],
        cites: Mapping[str, str] | None = None,
    ) -> str:
        """Add a message, every field filled but those given as None; returns its name."""
        cited = dict(cites or {})
        given = {**said, **dict.fromkeys(cited, "to be cited")}
        data = {name: value for name, value in self.mint.full(message, **given).items() if value is not None}
        by, role, author = who
        name = f"{len(self.says):02d}-{message}"
        token = self.mint.token
        self.says.append(
            Says(
                name=name,
                by=by,
                role=role,
                author=author,
                message=message,
                data=data,
                cites=cited,
                correlation=token(),
                key=token(),
            )
        )
        return name

    def _facts(self) -> dict[str, object]:
        """Facts of the case that rules look at; the words of a tier factor are a canary all the same."""
        factors = [f"ROSH_HIGH: {self.mint.token()}"]
        return {"tier": 3, "tier_factors": factors, "in_scope": True, "merged_case": None}

    def _opened(self) -> None:
        # Of Scotland there is something to say only when the case has moved there.
        elsewhere = {"jurisdiction": "ENGLAND_AND_WALES", "icm_route": None, "icm_participates": None}
        facts = {**elsewhere, **self._facts()}
        # One person has one number: the prison says it first, and a later case message mends it.
        opened = {**facts, "action": "OPENED", "sentence_expiry": "2071-05-06", "noms_number": None}
        self.say((REGION, Role.CASE_ADMINISTRATOR, self.administrator), M.CASE, opened)
        appointed = (
            (REGION, Role.OFFENDER_MANAGER, self.manager),
            (REGION, Role.CASE_ADMINISTRATOR, self.administrator),
            (PRISON, Role.OFFENDER_SUPERVISOR, self.supervisor),
        )
        for organisation, role, person in appointed:
            member = {"organisation": organisation, "role": role.value, "person": person}
            until = instant(0, len(self.says), ahead=True)
            more = {"authorised_role": "line_manager", "handover_until": until}
            said = {**member, **more, "action": "APPOINT"}
            self.say((REGION, Role.LINE_MANAGER, self.boss), M.TEAM_CHANGE, said)
        moved = {"prison_from": CODES[NEXT_PRISON], "prison_to": CODES[PRISON], "status": "CONFIRMED"}
        self.say(self.unit, M.PRISON_EVENT, {**moved, "action": "RECEPTION"})
        given = {
            "action": "GIVEN",
            "organisations": [*RUNGS],
            "roles": ["key_worker"],
            "classes": ["identity", "contact", "plan_objective", "progress"],
            "purposes": ["referral", "sentence_plan", "progress"],
            "until": instant(0, 6, ahead=True),
        }
        self.say(self.om, M.CONSENT, given)

    def _referred(self) -> None:
        for number, rung in enumerate(RUNGS):
            offer = {
                "referral": self.referrals[rung],
                "provider": rung,
                "rung": number + 1,
                "category": CATEGORIES[number],
                "answer_by": instant(0, number, ahead=True),
            }
            self.say(self.om, M.REFERRAL, {**offer, "action": "OFFER"})
            accepted = {**offer, "action": "ACCEPT", "key_worker": self.workers[rung]}
            self.say(self.worker(rung), M.REFERRAL, accepted)

    def _planned(self) -> None:
        owners = {rung: (self.referrals[rung], self.workers[rung], "key_worker") for rung in RUNGS}
        owners[REGION] = (self.mint.token(), self.manager, "offender_manager")
        self.objectives = {owner: self.mint.token() for owner in owners}
        rows = [
            self.mint.item(
                M.PLAN,
                "objectives",
                objective=self.objectives[owner],
                organisation=owner,
                role=role,
                responsible=person,
                referral=referral,
                sequence=place,
            )
            for place, (owner, (referral, person, role)) in enumerate(owners.items(), start=1)
        ]
        self.say(self.om, M.PLAN, {"version": 1, "previous_version": 0, "objectives": rows})

    def _worked(self) -> None:
        for rung in RUNGS:
            who, own = self.worker(rung), {"referral": self.referrals[rung]}
            progress = self.say(who, M.PROGRESS, {**own, "kind": "CONCERN"})
            self.say(who, M.RISK_CHANGE, {"kind": "FACTOR", "observed_by_role": "key_worker"})
            self.say(who, M.APPOINTMENT, {**own, "action": "ARRANGED", "with_organisation": rung})
            self.say(who, M.ENFORCEMENT, {**own, "action": "REPORTED", "decision": None})
            mended = {"action": "CORRECT", "fields": ["note", "concern"]}
            self.say(who, M.CORRECTION, mended, {"corrects": progress})
        delivery = f"{self.mint.random.getrandbits(128):032x}"
        read = {"delivery": delivery, "by_role": "key_worker", "level": "READ"}
        self.say(self.worker(RUNGS[1]), M.RECEIPT, read)

    def _managed(self) -> None:
        needs = [self.mint.item(M.ASSESSMENT, "needs")]
        self.say(self.om, M.ASSESSMENT, {"made_by_role": "offender_manager", "needs": needs})
        level = {"kind": "ROSH", "rosh_level": "HIGH", "observed_by_role": "offender_manager"}
        self.say(self.om, M.RISK_CHANGE, level)
        given = {
            "action": "GIVEN",
            "organisations": [RUNGS[1], RUNGS[2]],
            "roles": ["key_worker"],
            "classes": ["health", "plan_objective"],
            "purposes": ["progress", "risk_alert"],
            "until": instant(0, 7, ahead=True),
        }
        self.say(self.om, M.CONSENT, given)
        met = self.mint.item(M.REVIEW, "attendees", role="family_member", organisation=REGION)
        self.say(self.om, M.REVIEW, {"attendees": [met], "action": "HELD", "kind": "CASE_CONFERENCE"})
        arranged = {"action": "ARRANGED", "referral": self.referrals[RUNGS[0]], "with_organisation": REGION}
        self.say(self.om, M.APPOINTMENT, arranged)
        warned = {"action": "DECISION", "decision": "WARNING", "referral": self.referrals[RUNGS[2]]}
        self.say(self.om, M.ENFORCEMENT, warned)
        moves = {"jurisdiction": "SCOTLAND", "icm_route": "ENHANCED", "icm_participates": True}
        facts = {"action": "CHANGED", **moves, **self._facts()}
        self.say(self.om, M.CASE, facts)

    def _ended(self) -> None:
        outcomes = [
            self.mint.item(M.EVALUATION, "outcomes", objective=self.objectives[owner], organisation=owner)
            for owner in RUNGS
        ]
        self.say(self.om, M.EVALUATION, {"outcomes": outcomes})
        gone = {"action": "RELEASE", "status": "CONFIRMED", "prison_from": CODES[PRISON], "prison_to": None}
        self.say(self.unit, M.PRISON_EVENT, {**gone, "noms_number": None})

    @property
    def om(self) -> Who:
        """The Offender Manager."""
        return (REGION, Role.OFFENDER_MANAGER, self.manager)

    def worker(self, rung: OrganisationId) -> Who:
        """The Key Worker of a partner."""
        return (rung, Role.KEY_WORKER, self.workers[rung])
