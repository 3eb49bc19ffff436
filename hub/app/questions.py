"""What staff ask about who may know what: of a decision made, of one supposed, of a case as it stands.

What would be, were something otherwise, is `hub.app.what_if`. Every question is a consultation of personal
data (DPA 2018 s.62): who asked, about which case and what is recorded before anything is answered, and
no value is. A question that cannot be recorded is not answered.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from hub.adapters.kafka.read_back import Place, ReadBackLimits, read_one
from hub.adapters.kafka.recalling import Recall, answered
from hub.adapters.kafka.replay import entry_of
from hub.adapters.ledger import past
from hub.app.consulting import record, user
from hub.app.logs import set_up_logs
from hub.app.past_rules import rules_of
from hub.app.running import attached
from hub.consent.decide import ENVELOPE_SPECS
from hub.consent.explain import Explained, Step, explain
from hub.consent.parties import not_among
from hub.consent.why_not import WhyNot, why_not
from hub.errors import NotConfigured, NotReadable, Unreachable, WrongArgument
from hub.messages.envelope import InformationClass, MessageName, Submission
from hub.messages.identifiers import CaseRef, Instant, OrganisationId
from hub.routing.who_may_see import WhoMaySee, who_may_see
from hub.topics.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from typing import TypeVar

    from hub.app.hub import Hub
    from hub.cases.case import Case
    from hub.consent.compile import Policy
    from hub.consent.decision import Decision, FieldDecision, FieldSpec
    from hub.messages.envelope import Entry
    from hub.settings import Settings
    from hub.topics.evidence import Entered
    from hub.topics.tables import RouterView

    Answer = TypeVar("Answer")

_log = structlog.get_logger(__name__)
ID, CASE, FIELD = "ID", "--case", "--field"
"""The arguments that name a decision, a case, a field, as they are typed."""
_IDS = "ids are in `python3 -m hub ledger list --json`"
_REFERENCES = "give the reference as an organisation knows it, or the hub's own id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision explained, with what is needed to ask on."""

    entered: Entered
    explained: Explained
    policy: Policy
    specs: tuple[FieldSpec, ...]
    declared: Mapping[str, InformationClass]

    @property
    def decision(self) -> Decision:
        """The decision, its facts opened."""
        return self.explained.decision


@asynccontextmanager
async def asking(settings: Settings, *, within_s: float = 30.0) -> AsyncIterator[Questions]:
    """Put questions to the hub another process runs; `within_s` bounds how long the log is read back."""
    set_up_logs(settings)
    async with attached(settings) as hub:
        yield Questions(hub=hub, who=user(), limits=ReadBackLimits(timeout_s=within_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Answers what staff ask of a running hub."""

    hub: Hub
    who: str
    limits: ReadBackLimits = field(default_factory=ReadBackLimits)

    async def decisions_named(self, reference: str) -> list[Entered]:
        """Return the decisions of this id: a decision's, a delivery's, a message's (also msg_…).

        Raises:
            WrongArgument: There is none, or it is too short to name one.
        """
        plain = reference
        if reference.startswith("msg_"):
            plain = await self.internal(reference, "message", argument=ID)
        elif len(reference) < past.REFERENCE_LENGTH_MIN:
            message = f"{reference} is too short: it has {len(reference)} signs"
            fix = f"give at least the first {past.REFERENCE_LENGTH_MIN} signs of a decision's id; {_IDS}"
            raise WrongArgument(ID, message, fix=fix)
        async with self.hub.pool.connection() as connection:
            found = await past.decisions_named(connection, plain.lower(), codec=self.hub.codec)
        if not found:
            message = f"no decision is recorded under {reference}"
            raise WrongArgument(ID, message, fix=_IDS)
        return found

    async def explain(self, entered: Entered) -> Explanation:
        """Explain a decision from the ledger; the message itself is read back only where that is not enough.

        Raises:
            NotReadable: The facts are gone with the key of the case.
            NotConfigured: The rules it was made by are nowhere kept.
        """
        await self.record("explain", entered.decision.case, decision=entered.decision.decision_id)
        decision = self._with_facts(entered)
        policy = await rules_of(self.hub, entered, limits=self.limits)
        specs = self._specs(decision)
        explained = explain(policy, decision, specs)
        declared: Mapping[str, InformationClass] = {}
        if any(each.step in {Step.DECLARED, Step.DIFFERS} for each in explained.fields):
            declared = await self._declared(entered)
            explained = explain(policy, decision, specs, declared=declared)
        return Explanation(
            entered=entered, explained=explained, policy=policy, specs=specs, declared=declared
        )

    async def why_not(self, explanation: Explanation, fields: Iterable[FieldDecision]) -> list[WhyNot]:
        """Return what would have let each of these fields of the decision go."""
        decision, of = explanation.decision, tuple(fields)
        names = list(dict.fromkeys(each.path for each in of))
        await self.record("why-not", decision.case, decision=decision.decision_id, fields=names)
        return [
            why_not(
                explanation.policy,
                decision,
                explanation.specs,
                each.path,
                scope=each.scope,
                declared=explanation.declared,
            )
            for each in of
        ]

    async def who_may_see(
        self,
        case: str,
        message: MessageName,
        *,
        path: str | None = None,
        information_class: InformationClass | None = None,
    ) -> WhoMaySee:
        """Return who may see a field or class of a case now, and who may not.

        Raises:
            WrongArgument: There is no such case, or the message has no such field.
            NotConfigured: No rules are in force.
        """
        specs = self.hub.codec.library.fields(message, self.hub.codec.library.newest(message))
        # Only names of fields there are: what somebody typed may say something of a person.
        known = path if path in {spec.path for spec in (*ENVELOPE_SPECS, *specs)} else None
        what = {"message": message.value, "field": known, "of_class": information_class}
        view, found = await self.case_now(case, "who-may-see", **what)
        try:
            return who_may_see(
                view, found, message, field=path, information_class=information_class, now=_now()
            )
        except ValueError as error:
            raise NotConfigured(str(error)) from error

    async def case_now(self, case: str, asked: str, **what: object) -> tuple[RouterView, Case]:
        """Return the world as it is and a case in it; what is asked of it is recorded first.

        Raises:
            WrongArgument: There is no such case.
        """
        ref = CaseRef(await self.internal(case, "case", argument=CASE))
        async with self.hub.pool.connection() as connection:
            view = await past.world_now(connection, codec=self.hub.codec, cases=[ref])
        found = view.case(ref)
        await self.record(asked, None if found is None else ref, **what)
        if found is None:
            raise WrongArgument(CASE, f"there is no case {case}", fix=_REFERENCES)
        return view, found

    async def answered(self, view: RouterView, ask: Callable[[], Answer]) -> Answer:
        """Return an answer of the core; what it needs of the log is read back; raises Unreachable."""
        recall = Recall(
            self.hub.bootstrap,
            catalogue=self.hub.catalogue,
            codec=self.hub.codec,
            timeout_s=self.limits.timeout_s,
            request_timeout_ms=self.limits.request_timeout_ms,
        )
        try:
            return await answered(ask, view, recall)
        finally:
            await recall.close()

    async def record(self, asked: str, case: CaseRef | None, **what: object) -> None:
        """Record who asks what about which case, before it is answered; no value is among it."""
        await record(self.hub.pool, who=self.who, asked=asked, case=case, **what)

    async def internal(self, reference: str, sort: str, *, argument: str) -> str:
        """Return the hub's own form of a reference, whichever organisation it was given to."""
        if "_" not in reference:
            return reference.lower()
        pairwise = self.hub.codec.pairwise
        read = pairwise.message_from if sort == "message" else pairwise.case_from
        async with self.hub.pool.connection() as connection:
            known = await past.parties(connection)
        for party in known:
            try:
                return read(OrganisationId(party), reference)
            except NotReadable:
                continue
        raise WrongArgument(argument, f"this {sort} reference was given to no organisation", fix=_REFERENCES)

    def _with_facts(self, entered: Entered) -> Decision:
        decision = entered.decision
        facts = Evidence(self.hub.codec).facts(entered.facts, decision_id=decision.decision_id)
        return replace(decision, facts=facts)

    def _specs(self, decision: Decision) -> tuple[FieldSpec, ...]:
        if decision.message_name is None or decision.contract is None:
            message = "the ledger does not say which message and contract this decision was on"
            raise NotConfigured(message)
        return self.hub.codec.library.fields(decision.message_name, decision.contract)

    async def _declared(self, entered: Entered) -> Mapping[str, InformationClass]:
        """Return the classes the author declared, from the message read back; empty where it is not there."""
        try:
            entry = await self.read_back(Place(partition=entered.partition, offset=entered.offset))
        except (Unreachable, NotConfigured) as error:
            _log.warning("the message was not read back", cause=error.code)
            return {}
        own = isinstance(entry, Submission) and entry.envelope.message_id == entered.decision.message
        return entry.envelope.declared if isinstance(entry, Submission) and own else {}

    async def read_back(self, place: Place) -> Entry:
        """Return a record of hub.intake as it stands in the log."""
        record = await read_one(self.hub.bootstrap, self.hub.catalogue.intake, place, limits=self.limits)
        return entry_of(self.hub.codec, record)


def no_field(path: str, decision: Decision) -> WrongArgument:
    """Return the error for a field a decision does not have, with the one probably meant."""
    known = dict.fromkeys(each.path for each in decision.fields)
    if not known:
        message = f"the decision has no field {path}, for it has none at all"
        return WrongArgument(FIELD, message, fix="leave --field out")
    return not_among(FIELD, path, "field of this decision called", known)


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)
