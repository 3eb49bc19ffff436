"""What staff ask about who may know what: of a decision made, of one supposed, of a case as it stands.

Every question is a consultation of personal data (DPA 2018 s.62): who asked, about which case and what is
recorded before anything is answered, and no value is. A question that cannot be recorded is not answered.
"""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import structlog

from hub.adapters.kafka.read_back import Place, ReadBackLimits, read_one
from hub.adapters.kafka.replay import entry_of, world_before
from hub.adapters.ledger import past
from hub.app.consulting import record, user
from hub.app.logs import set_up_logs
from hub.app.past_rules import rules_of
from hub.app.running import attached
from hub.consent.explain import Explained, Step, explain
from hub.consent.why_not import WhyNot, why_not
from hub.errors import NotConfigured, NotReadable, Unreachable
from hub.messages.envelope import InformationClass, MessageName, Submission, Unreadable
from hub.messages.identifiers import CaseRef, Instant, OrganisationId
from hub.routing.route import route
from hub.routing.supposing import supposition
from hub.routing.whatif import WhatIf, what_if
from hub.routing.who_may_see import WhoMaySee, who_may_see
from hub.topics.bodies import check_submission
from hub.topics.evidence import Evidence
from hub.topics.pairwise import message_id
from hub.topics.references import Origin, References

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from hub.app.hub import Hub
    from hub.cases.case import Case
    from hub.consent.compile import Policy
    from hub.consent.decision import Decision, FieldDecision, FieldSpec
    from hub.messages.envelope import Entry
    from hub.routing.outcome import Result
    from hub.routing.supposing import Supposition
    from hub.settings import Settings
    from hub.topics.evidence import Entered
    from hub.topics.tables import RouterView

_log = structlog.get_logger(__name__)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What a message caused or would cause, and what it would cause were something otherwise."""

    entry: Entry
    found: WhatIf
    suppositions: tuple[str, ...]
    """In words."""
    policy: str | None
    """Name of the rules in force as things are."""
    as_recorded: bool | None
    """Whether what it causes as things are is what the ledger says it caused; None: it has no part there."""


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
            NotConfigured: There is none.
        """
        plain = await self._internal(reference, "message") if reference.startswith("msg_") else reference
        async with self.hub.pool.connection() as connection:
            found = await past.decisions_named(connection, plain.lower(), codec=self.hub.codec)
        if not found:
            message = f"no decision is recorded under {reference}"
            raise NotConfigured(message, fix="see `python3 -m hub ledger list --json` for the ids")
        return found

    async def explain(self, entered: Entered) -> Explanation:
        """Explain a decision from the ledger; the message itself is read back only where that is not enough.

        Raises:
            NotReadable: The facts are gone with the key of the case.
            NotConfigured: The rules it was made by are nowhere kept.
        """
        await self._record("explain", entered.decision.case, decision=entered.decision.decision_id)
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
        await self._record("why-not", decision.case, decision=decision.decision_id, fields=names)
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

    async def what_if_past(
        self,
        reference: str,
        suppositions: Sequence[str],
        *,
        policy: Policy | None = None,
        today: bool = False,
    ) -> Supposed:
        """Ask of a message decided before: in the world of its moment, or `today` as things are now.

        Raises:
            NotConfigured: The message was never decided, or a supposition is not one.
            NotReadable: It can no longer be read: the key of its case is erased.
        """
        supposed = _suppositions(suppositions)
        message = await self._internal(reference, "message")
        async with self.hub.pool.connection() as connection:
            caused = await past.record_of(connection, message)
            if caused is None:
                text = f"no decision on the message {reference} is recorded"
                raise NotConfigured(text, fix="what was set aside is in `python3 -m hub quarantine list`")
            await self._record_supposed(caused.case, suppositions, message=message)
            place = Place(partition=caused.partition, offset=caused.offset)
            recorded = await past.decisions_of(
                connection, partition=place.partition, offset=place.offset, codec=self.hub.codec
            )
        if today:
            entry, now = await self._read_back(place), _now()
            async with self.hub.pool.connection() as connection:
                view = await past.world_now(
                    connection, codec=self.hub.codec, cases=[caused.case], messages=_named_in(entry)
                )
        else:
            before = await world_before(
                self.hub.bootstrap,
                self.hub.catalogue.intake,
                place,
                case=caused.case,
                codec=self.hub.codec,
                route=route,
                limits=self.limits,
            )
            entry, now, view = before.entry, before.now, before.view
        found = _asked(_readable(entry), view, supposed, now=now, policy=policy)
        return Supposed(
            entry=entry,
            found=found,
            suppositions=tuple(each.says for each in supposed),
            policy=rules.name if (rules := view.policy()) else None,
            as_recorded=None if today else _as_recorded(found.as_is, recorded),
        )

    async def what_if_new(
        self,
        document: Mapping[str, object],
        *,
        message: MessageName,
        organisation: str,
        case: str | None,
        suppositions: Sequence[str],
        policy: Policy | None = None,
    ) -> Supposed:
        """Ask of a message nobody has sent: its body as it would be posted, by whom, on which case.

        Raises:
            NotConfigured: Organisation, case or supposition is not one.
            InvalidBody: The body does not keep to its contract.
        """
        supposed = _suppositions(suppositions)
        sender = OrganisationId(organisation)
        ref = None if case is None else CaseRef(await self._internal(case, "case"))
        codec = self.hub.codec
        body = dict(document)
        if ref is not None:
            body["case"] = codec.pairwise.case(sender, ref)
        checked = check_submission(codec.library, message, body)
        references = References(codec.pairwise, codec.keys, sender)
        digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        now = _now()
        origin = Origin(
            message_id=message_id(
                codec.keys, organisation=sender, route=f"whatif/{message}", idempotency_key=digest
            ),
            organisation=sender,
            digest=digest,
            recorded_at=now,
        )
        entry = codec.submission_from(
            codec.envelope_bytes(
                Submission(
                    envelope=references.envelope(checked, origin),
                    payload=references.in_payload(checked.payload, checked.contract),
                )
            )
        )
        await self._record_supposed(entry.envelope.case, suppositions, message=message.value)
        async with self.hub.pool.connection() as connection:
            view = await past.world_now(
                connection, codec=codec, cases=[entry.envelope.case], messages=_named_in(entry)
            )
        if view.organisation(sender) is None:
            text = f"there is no organisation {organisation}"
            raise NotConfigured(text, fix="see `python3 -m hub partner list`")
        return Supposed(
            entry=entry,
            found=_asked(entry, view, supposed, now=now, policy=policy),
            suppositions=tuple(each.says for each in supposed),
            policy=rules.name if (rules := view.policy()) else None,
            as_recorded=None,
        )

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
            NotConfigured: There is no such case, or the message has no such field.
        """
        specs = self.hub.codec.library.fields(message, self.hub.codec.library.newest(message))
        # Only names of fields there are: what somebody typed may say something of a person.
        known = path if path in {spec.path for spec in specs} else None
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
            NotConfigured: There is no such case.
        """
        ref = CaseRef(await self._internal(case, "case"))
        async with self.hub.pool.connection() as connection:
            view = await past.world_now(connection, codec=self.hub.codec, cases=[ref])
        found = view.case(ref)
        await self._record(asked, None if found is None else ref, **what)
        if found is None:
            text = f"there is no case {case}"
            raise NotConfigured(text, fix="give its reference as an organisation knows it, or the hub's own")
        return view, found

    async def _record(self, asked: str, case: CaseRef | None, **what: object) -> None:
        await record(self.hub.pool, who=self.who, asked=asked, case=case, **what)

    async def _record_supposed(self, case: CaseRef, suppositions: Iterable[str], *, message: str) -> None:
        kinds = [each.partition("=")[0] for each in suppositions]
        await self._record("what-if", case, message=message, supposed=kinds)

    async def _internal(self, reference: str, sort: str) -> str:
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
        text = f"this {sort} reference was given to no organisation"
        raise NotConfigured(text, fix="give the reference as an organisation knows it, or the hub's own id")

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
            entry = await self._read_back(Place(partition=entered.partition, offset=entered.offset))
        except (Unreachable, NotConfigured) as error:
            _log.warning("the message was not read back", cause=error.code)
            return {}
        own = isinstance(entry, Submission) and entry.envelope.message_id == entered.decision.message
        return entry.envelope.declared if isinstance(entry, Submission) and own else {}

    async def _read_back(self, place: Place) -> Entry:
        record = await read_one(self.hub.bootstrap, self.hub.catalogue.intake, place, limits=self.limits)
        return entry_of(self.hub.codec, record)


def _suppositions(texts: Iterable[str]) -> tuple[Supposition, ...]:
    try:
        return tuple(supposition(text) for text in texts)
    except ValueError as error:
        raise NotConfigured(str(error), fix="see `python3 -m hub policy whatif --help`") from error


def _asked(
    entry: Entry,
    view: RouterView,
    supposed: Sequence[Supposition],
    *,
    now: Instant,
    policy: Policy | None,
) -> WhatIf:
    unseen = {entry.envelope.message_id} if isinstance(entry, Submission) else set()
    try:
        return what_if(entry, view, supposed, now=now, policy=policy, unseen=frozenset(unseen))
    except ValueError as error:
        raise NotConfigured(str(error)) from error


def _readable(entry: Entry) -> Entry:
    if isinstance(entry, Unreadable):
        raise NotReadable(entry.code, "the message can no longer be read", fix="its key may be erased")
    return entry


def _named_in(entry: Entry) -> tuple[str, ...]:
    """Return the messages a message names, of which routing may ask who sent them."""
    corrects = entry.payload.get("corrects") if isinstance(entry, Submission) else None
    return (corrects,) if isinstance(corrects, str) else ()


def _as_recorded(result: Result, recorded: Iterable[Entered]) -> bool:
    """Tell whether decisions are those of the ledger, field by field."""
    said = {each.decision.decision_id: each.decision for each in recorded}
    made = {each.decision_id: each for each in result.decisions}
    return said.keys() == made.keys() and all(
        (one.delivers, one.gate, one.fields, one.policy, one.case_version)
        == (other.delivers, other.gate, other.fields, other.policy, other.case_version)
        for one, other in ((said[name], made[name]) for name in said)
    )


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)
