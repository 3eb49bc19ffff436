"""The router's state: bytes per key with a pending overlay, and what routing sees of it.

A table changes only in the overlay while a batch is routed. After the commit the overlay is merged;
after a failure it is dropped, and the table is as it was (architecture.md 2, facts 5a and 6).
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from hub.cases.case import Case
from hub.cases.profile import Profile
from hub.cases.profile_reader import profile_from
from hub.consent.compile import Policy
from hub.consent.parties import Organisation, organisation_from
from hub.consent.partner_contracts import Direction, PartnerContract, readable
from hub.consent.release import COMING, CURRENT, is_due
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.routing.outcome import Contracts, Timer
from hub.topics.policy_files import policy_from_control
from hub.topics.profile_files import profile_span

if TYPE_CHECKING:
    from hub.messages.envelope import Entry, Submission
    from hub.topics.codec import Codec

_POLICY = b"policy/"
_ORGANISATION = b"organisation/"
_CONTRACT = b"contract/"
_PROFILE = b"profile/"
_CLOCK_KEY = b"clock"
_READ_BACK_MAX = 500
"""Records of the log that are remembered from one record to the next."""


_Place = tuple[OrganisationId, MessageName, Direction]


class Table:
    """One changelogged table of one partition: what is committed, and what the open batch changes."""

    def __init__(self) -> None:
        """Start empty; `restore` fills it from the changelog."""
        self._committed: dict[bytes, bytes] = {}
        self._pending: dict[bytes, bytes | None] = {}
        self.revision = 0
        """Goes up with every change: what is worked out from the whole table is kept till then."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value, with the open batch's changes."""
        if key in self._pending:
            return self._pending[key]
        return self._committed.get(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All entries, with the open batch's changes."""
        for key, value in self._committed.items():
            if key not in self._pending:
                yield key, value
        for key, changed in self._pending.items():
            if changed is not None:
                yield key, changed

    def put(self, key: bytes, value: bytes | None) -> None:
        """Change an entry in the overlay; None deletes it."""
        self.revision += 1
        self._pending[key] = value

    def pending_records(self) -> tuple[tuple[bytes, bytes | None], ...]:
        """The changelog records of the open batch: the last value of each key changed."""
        return tuple(self._pending.items())

    def merge(self) -> None:
        """Make the overlay part of the table: its records are committed."""
        for key, value in self._pending.items():
            self.restore(key, value)
        self._pending.clear()

    def discard(self) -> None:
        """Drop the overlay: its records never were."""
        self.revision += 1
        self._pending.clear()

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Apply one committed changelog record."""
        self.revision += 1
        if value is None:
            self._committed.pop(key, None)
        else:
            self._committed[key] = value

    def __len__(self) -> int:
        """Number of committed entries."""
        return len(self._committed)


class RouterView:
    """What routing may look at: the four tables of one partition (hub.routing.outcome.View)."""

    def __init__(self, *, codec: Codec, contracts: Contracts, cases_remembered_max: int = 10_000) -> None:
        """Start with empty tables."""
        self.contracts = contracts
        self.cases = Table()
        self.seen_table = Table()
        self.timers = Table()
        self.control = Table()
        self._codec = codec
        self._decoded: OrderedDict[bytes, tuple[bytes, Case]] = OrderedDict()
        self._cases_remembered_max = cases_remembered_max
        self._organisations: dict[bytes, tuple[bytes, Organisation]] = {}
        self._releases: dict[str, tuple[bytes, Mapping[str, object]]] = {}
        self._policies: dict[str, tuple[bytes, Policy]] = {}
        self._holding: dict[str, tuple[int, int, int, Profile]] = {}
        self._released_profiles: tuple[int, tuple[Profile, ...]] | None = None
        self._contracts: tuple[int, Mapping[_Place, tuple[PartnerContract, ...]]] | None = None
        self._deadlines: list[tuple[int, bytes]] | None = None
        self._read_back: dict[tuple[str, int], Entry] = {}

    @property
    def tables(self) -> tuple[Table, Table, Table, Table]:
        """The tables in the order of `Catalogue.changelogs`."""
        return (self.cases, self.seen_table, self.timers, self.control)

    def case(self, ref: CaseRef) -> Case | None:
        """Return the case as it now stands, or None."""
        key = ref.encode()
        value = self.cases.get(key)
        if value is None:
            return None
        held = self._decoded.get(key)
        if held is not None and held[0] == value:
            self._decoded.move_to_end(key)
            return held[1]
        return self._remember(key, value, self._codec.case_from(ref, value))

    def seen(self, message: MessageId) -> str | None:
        """Return the digest under which this message id was taken, or None."""
        value = self.seen_table.get(message.encode())
        return None if value is None else value.decode().partition(" ")[0]

    def sender(self, message: MessageId) -> OrganisationId | None:
        """Return who sent the message taken under this id, or None if none was."""
        value = self.seen_table.get(message.encode())
        return None if value is None else OrganisationId(value.decode().split(" ")[1])

    def sort(self, message: MessageId) -> MessageName | None:
        """Return what sort of message was taken under this id, or None if none was."""
        value = self.seen_table.get(message.encode())
        return None if value is None else MessageName(value.decode().split(" ")[2])

    def put_seen(self, message: MessageId, digest: str, *, sent: Submission) -> None:
        """Note a message as taken: its digest, then who sent what in which version, for whoever asks."""
        envelope = sent.envelope
        version = sent.sent_in or envelope.contract
        words = (digest, envelope.organisation, envelope.message.value, version)
        self.seen_table.put(message.encode(), " ".join(words).encode())

    def organisation(self, organisation: OrganisationId) -> Organisation | None:
        """Return the organisation as the control records in force describe it, or None."""
        key = _ORGANISATION + organisation.encode()
        value = self.control.get(key)
        return None if value is None else self._organisation(key, value)

    def organisations(self) -> Iterable[Organisation]:
        """Return all organisations in force, by name of their key."""
        held = sorted((key, value) for key, value in self.control.items() if key.startswith(_ORGANISATION))
        return tuple(self._organisation(key, value) for key, value in held)

    def partner_contracts(
        self, organisation: OrganisationId, message: MessageName, direction: Direction
    ) -> Iterable[PartnerContract]:
        """Return what was agreed with an organisation on this message, in force or not."""
        return self._agreed().get((organisation, message, direction), ())

    def profile(self, jurisdiction: str) -> Profile:
        """Return the profile of a jurisdiction in force at the partition's clock."""
        clock, revision = self.clock, self.control.revision
        held = self._holding.get(jurisdiction)
        if held is None or held[0] != revision or not held[1] <= clock < held[2]:
            since, until, profile = profile_span(jurisdiction, self._profiles(), clock)
            held = self._holding[jurisdiction] = (revision, since, until, profile)
        return held[3]

    def policy(self) -> Policy | None:
        """Return the policy in force at the partition's clock, or None before the first release."""
        coming = self.release(COMING)
        return self._policy(COMING if coming is not None and is_due(coming, self.clock) else CURRENT)

    def compile_policies(self) -> None:
        """Compile and prove what is in force and what is to come, so that no record has to wait for it."""
        for name in (CURRENT, COMING):
            self._policy(name)

    def release(self, name: str) -> Mapping[str, object] | None:
        """Return a policy release: `current`, `coming`, or one by the name that decisions bear."""
        value = self.control.get(_POLICY + name.encode())
        if value is None:
            return None
        held = self._releases.get(name)
        if held is not None and held[0] == value:
            return held[1]
        body = self._codec.control_from(value).body
        if name in {CURRENT, COMING}:
            self._releases[name] = (value, body)
        return body

    def read_back(self, case: CaseRef, offset: int) -> Entry | None:
        """Return the record of a case at an offset of its partition; None: it has not been read back yet."""
        return self._read_back.get((case, offset))

    def remember(self, case: str, offset: int, entry: Entry) -> None:
        """Take a record of the log that was read back: it is what it always was, also after a failure."""
        self._read_back[case, offset] = entry

    def forget_read_back(self) -> None:
        """Let go of what was read back for earlier records, where that has become much."""
        if len(self._read_back) > _READ_BACK_MAX:
            self._read_back.clear()

    def timers_due(self, now: Instant) -> Iterable[Timer]:
        """Return the timers whose time has come, earliest first."""
        due = [
            timer_from(key, value)
            for key, value in self.timers.items()
            if int(value) <= now and key != _CLOCK_KEY
        ]
        return tuple(sorted(due, key=lambda timer: (timer.due_at, timer.key)))

    def first_deadline(self) -> Instant | None:
        """Return the earliest committed deadline; asked between batches only."""
        if self._deadlines is None:
            self._deadlines = [(int(value), key) for key, value in self.timers.items() if key != _CLOCK_KEY]
            heapq.heapify(self._deadlines)
        while self._deadlines:
            due_at, key = self._deadlines[0]
            value = self.timers.get(key)
            if value is not None and int(value) == due_at:
                return Instant(due_at)
            heapq.heappop(self._deadlines)
        return None

    @property
    def clock(self) -> Instant:
        """The latest time this partition has seen; `now` never goes below it, also after a restart."""
        value = self.timers.get(_CLOCK_KEY)
        return Instant(0 if value is None else int(value))

    def advance(self, now: Instant) -> None:
        """Move the partition's clock on, in the overlay."""
        self.timers.put(_CLOCK_KEY, str(now).encode())

    def put_case(self, case: Case, value: bytes) -> None:
        """Take a case as it is after a record, with its sealed form."""
        key = case.ref.encode()
        self.cases.put(key, value)
        self._remember(key, value, case)

    def put_timer(self, timer: Timer) -> None:
        """Set a timer; the same key replaces it."""
        self.timers.put(timer.key.encode(), str(timer.due_at).encode())

    def merge(self) -> None:
        """Make the batch's changes part of all tables."""
        if self._deadlines is not None:
            for key, value in self.timers.pending_records():
                if value is not None and key != _CLOCK_KEY:
                    heapq.heappush(self._deadlines, (int(value), key))
        for table in self.tables:
            table.merge()

    def discard(self) -> None:
        """Drop the batch's changes from all tables."""
        for table in self.tables:
            table.discard()

    def _remember(self, key: bytes, value: bytes, case: Case) -> Case:
        self._decoded[key] = (value, case)
        self._decoded.move_to_end(key)
        while len(self._decoded) > self._cases_remembered_max:
            self._decoded.popitem(last=False)
        return case

    def _agreed(self) -> Mapping[_Place, tuple[PartnerContract, ...]]:
        """Return what is agreed, by organisation, message and direction; read anew after a change."""
        if self._contracts is None or self._contracts[0] != self.control.revision:
            found: dict[_Place, tuple[PartnerContract, ...]] = {}
            bodies = (
                self._codec.control_from(value).body
                for key, value in self.control.items()
                if key.startswith(_CONTRACT)
            )
            for contract in readable(bodies):
                place = (contract.partner, contract.message, contract.direction)
                found[place] = (*found.get(place, ()), contract)
            self._contracts = (self.control.revision, found)
        return self._contracts[1]

    def _profiles(self) -> tuple[Profile, ...]:
        """Return every profile released, whenever it is in force; read anew after a change."""
        if self._released_profiles is None or self._released_profiles[0] != self.control.revision:
            bodies = (
                self._codec.control_from(value).body
                for key, value in sorted(self.control.items())
                if key.startswith(_PROFILE)
            )
            self._released_profiles = (self.control.revision, tuple(map(profile_from, bodies)))
        return self._released_profiles[1]

    def _policy(self, name: str) -> Policy | None:
        value, body = self.control.get(_POLICY + name.encode()), self.release(name)
        if value is None or body is None:
            return None
        held = self._policies.get(name)
        if held is None or held[0] != value:
            held = self._policies[name] = (value, policy_from_control(body))
        return held[1]

    def _organisation(self, key: bytes, value: bytes) -> Organisation:
        held = self._organisations.get(key)
        if held is None or held[0] != value:
            held = (value, organisation_from(self._codec.control_from(value).body))
            self._organisations[key] = held
        return held[1]


def timer_from(key: bytes, value: bytes) -> Timer:
    """Read a timer from its table entry: what it is about is its key, its time the value."""
    case, kind, subject = key.decode().split("/", 2)
    return Timer(case=CaseRef(case), kind=kind, subject=subject, due_at=Instant(int(value)))
