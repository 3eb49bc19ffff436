"""The router's tables as plain dictionaries: what the core looks at, with nothing between."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.consent.parties import organisation_from
from hub.demo.organisations import parties
from hub.messages.envelope import MessageName, Submission
from hub.topics.policy_files import folder_policy
from hub.topics.profile_files import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.cases.case import Case
    from hub.cases.profile import Profile
    from hub.consent.compile import Policy
    from hub.consent.parties import Organisation
    from hub.consent.partner_contracts import Direction, PartnerContract
    from hub.messages.envelope import Entry
    from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
    from hub.routing.outcome import Contracts, Result, Timer

KEPT = frozenset({MessageName.CASE, MessageName.RISK_CHANGE, MessageName.PLAN})


class Memory:
    """A view (hub.routing.outcome.View) of the demonstration's organisations and the rules of this folder."""

    def __init__(self, contracts: Contracts) -> None:
        """Begin without a case."""
        self.contracts = contracts
        self.cases: dict[CaseRef, Case] = {}
        self.now: int = 0
        self._log: dict[int, Entry] = {}
        self._next = 0
        self._taken: dict[MessageId, tuple[str, OrganisationId, MessageName]] = {}
        self._timers: dict[str, Timer] = {}
        self._ahead: list[tuple[int, str]] = []
        self._organisations = {
            each.organisation: each
            for each in (organisation_from(party.body(since=0)) for party in parties())
        }
        self._policy = folder_policy(version="bench")
        self._profiles = shipped()

    def case(self, ref: CaseRef) -> Case | None:
        """Return the case as it now stands, or None."""
        return self.cases.get(ref)

    def seen(self, message: MessageId) -> str | None:
        """Return the digest under which this message id was taken, or None."""
        taken = self._taken.get(message)
        return None if taken is None else taken[0]

    def sender(self, message: MessageId) -> OrganisationId | None:
        """Return who sent the message taken under this id, or None if none was."""
        taken = self._taken.get(message)
        return None if taken is None else taken[1]

    def sort(self, message: MessageId) -> MessageName | None:
        """Return what sort of message was taken under this id, or None if none was."""
        taken = self._taken.get(message)
        return None if taken is None else taken[2]

    def organisation(self, organisation: OrganisationId) -> Organisation | None:
        """Return an organisation by its short name."""
        return self._organisations.get(organisation)

    def organisations(self) -> Iterable[Organisation]:
        """Return all organisations."""
        return self._organisations.values()

    def partner_contracts(
        self, organisation: OrganisationId, message: MessageName, direction: Direction
    ) -> Iterable[PartnerContract]:
        """Return nothing: no contract was agreed with anybody, so that all get what is newest."""
        del organisation, message, direction
        return ()

    def profile(self, jurisdiction: str) -> Profile:
        """Return the profile of a jurisdiction as this folder has it."""
        return self._profiles[jurisdiction]

    def policy(self) -> Policy | None:
        """Return the rules of this folder."""
        return self._policy

    def release(self, name: str) -> Mapping[str, object] | None:
        """Return nothing: the rules were in force from the beginning."""
        del name
        return None

    def timers_due(self, now: Instant) -> Iterable[Timer]:
        """Return the timers whose time has come, earliest first."""
        found = []
        while (due_at := self.first_deadline()) is not None and due_at <= now:
            found.append(heapq.heappop(self._ahead))
        for each in found:
            heapq.heappush(self._ahead, each)
        return [self._timers[key] for _, key in found]

    def read_back(self, case: CaseRef, offset: int) -> Entry | None:
        """Return a message of the log by the place it was given."""
        entry = self._log[offset]
        return entry if isinstance(entry, Submission) and entry.envelope.case == case else None

    def append(self, message: Submission) -> Submission:
        """Give a message its place in the log; the log holds those a case may keep the place of."""
        offset = self._next
        self._next += 1
        placed = replace(message, offset=offset)
        if message.envelope.message in KEPT:
            self._log[offset] = placed
        return placed

    def first_deadline(self) -> Instant | None:
        """Return the earliest deadline."""
        while self._ahead:
            due_at, key = self._ahead[0]
            timer = self._timers.get(key)
            if timer is not None and timer.due_at == due_at:
                return timer.due_at
            heapq.heappop(self._ahead)
        return None

    def keep(self, entry: Entry, result: Result) -> None:
        """Take over what a record has changed."""
        for case in result.cases:
            self.cases[case.ref] = case
        if result.seen is not None and isinstance(entry, Submission):
            self._taken[result.seen[0]] = (
                result.seen[1],
                entry.envelope.organisation,
                entry.envelope.message,
            )
        for key in result.timers_cleared:
            self._timers.pop(key, None)
        for timer in result.timers_set:
            key = timer.key
            self._timers[key] = timer
            heapq.heappush(self._ahead, (timer.due_at, key))
