"""What one record of the log causes, as records to be written: the seam between routing and Kafka.

A record that cannot be read, that routing refuses, or on which routing itself fails is set aside with
a reason code; nothing of it is applied, and the line goes on.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

import structlog

from hub.adapters import telemetry
from hub.adapters.kafka.placed import Placed
from hub.adapters.kafka.setting_aside import WRITE_FAILED, Quarantine, names, worst
from hub.adapters.kafka.transaction import Outgoing
from hub.cases.acknowledgements import given_up
from hub.cases.acknowledgements import written as noted
from hub.cases.applied import Applied
from hub.errors import EngineDisagrees, HubError, NotReadable, ReadBackNeeded
from hub.messages.envelope import Control, Entry, MessageName, Submission, Unreadable
from hub.messages.identifiers import CaseRef, Instant, MessageId, derived_id
from hub.routing.outcome import Delivery, Result, Settled, Verdict, View
from hub.routing.terms import PARKED
from hub.topics.catalogue import DELIVERY_PARTITIONS, Catalogue, lane_partition
from hub.topics.codec import TICK, Codec
from hub.topics.dispatch import Dispatch, FramedView, Outbox, Verdicted, delivered
from hub.topics.evidence import Evidence
from hub.topics.leaving import LeftIn
from hub.topics.library import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiokafka import ConsumerRecord

    Fetched = ConsumerRecord[bytes | None, bytes | None]
    from hub.adapters.kafka.setting_aside import Withheld
    from hub.cases.case import Case
    from hub.topics.tables import RouterView

INTERNAL = "INTERNAL"
TOO_LARGE = "TOO-LARGE"
_TOO_LARGE_SAYS = "what follows from it is larger than a topic takes"
_TICK_FRAME = frame(TICK, b"")
_log = structlog.get_logger(__name__)


class Route(Protocol):
    """The heart of the hub: everything one entry causes (hub.routing.route)."""

    def __call__(self, entry: Entry, view: View, now: Instant) -> Result:
        """Decide; pure."""


@dataclass(slots=True, kw_only=True)
class _Written:
    """Records to be written and table changes to be made, once all of them could be encoded."""

    records: list[Outgoing] = field(default_factory=list)
    cases: list[tuple[Case, bytes]] = field(default_factory=list)
    controls: list[tuple[bytes, bytes | None]] = field(default_factory=list)


@dataclass(slots=True)
class _OfMessage:
    """What one outbox record is to hold."""

    message: MessageName
    views: list[FramedView] = field(default_factory=list)
    source: Submission | None = None
    settled: list[Settled] = field(default_factory=list)


class Consequences:
    """Routes records and writes down what follows."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        codec: Codec,
        route: Route,
        record_bytes_max: int,
        moment: Callable[[int], Instant] = Instant,
    ) -> None:
        """Use this routing function, these topics and this codec; `moment` reads the broker's timestamps."""
        self._moment = moment
        self._catalogue = catalogue
        self._codec = codec
        self._dispatch = Dispatch(codec)
        self._evidence = Evidence(codec)
        self._route = route
        self._record_bytes_max = record_bytes_max
        self._quarantine = Quarantine(
            catalogue=catalogue, codec=codec, evidence=self._evidence, record_bytes_max=record_bytes_max
        )

    def of(self, record: Fetched, view: RouterView, *, too_large: bool = False) -> list[Outgoing]:
        """Return the records one record causes, and apply its changes to the view's overlay.

        Changelog records are not among them: the overlay has them for the whole batch. The record's trace
        ends here: it goes on none of what follows.

        Raises:
            ReadBackNeeded: Records of the log have to be given to the view first; then call it again.
        """
        with telemetry.span(
            "route", parent=telemetry.extract(record.headers), hub_partition=record.partition
        ):
            return self._of(record, view, too_large=too_large)

    def _of(self, record: Fetched, view: RouterView, *, too_large: bool) -> list[Outgoing]:
        place = self._place(record, view)
        view.advance(place.now)
        if isinstance(place.entry, Unreadable):
            return [self._quarantine.aside(place, place.entry.code, "the record could not be read")]
        if too_large:
            return [self._quarantine.aside(place, TOO_LARGE, _TOO_LARGE_SAYS)]
        try:
            result = self._route(place.entry, view, place.now)
            written = self._write(place, result)
        except ReadBackNeeded:
            raise
        except (NotReadable, EngineDisagrees) as error:
            if isinstance(error, EngineDisagrees):
                _log.error("compiled rules and reference differ; it is set aside", record=place.record_id)
            return [self._quarantine.aside(place, error.code, str(error))]
        except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the line
            at = _place_in_code(error)
            _log.error(
                "routing failed; the record is set aside",
                record=place.record_id,
                at=at,
                trace_id=telemetry.trace_id(),
            )
            return [self._quarantine.aside(place, INTERNAL, at)]
        if any(outgoing.size > self._record_bytes_max for outgoing in written.records) or any(
            len(value or b"") > self._record_bytes_max for _, value in (*written.cases, *written.controls)
        ):
            return [self._quarantine.aside(place, TOO_LARGE, _TOO_LARGE_SAYS)]
        _apply(place, result, written, view)
        return written.records

    def is_tick(self, record: Fetched) -> bool:
        """Whether a record of hub.intake is a tick."""
        return (record.value or b"").startswith(_TICK_FRAME)

    def _entry(self, record: Fetched) -> Entry:
        record_id = MessageId(derived_id("intake", str(record.partition), str(record.offset)))
        return self._codec.entry(
            record.value,
            key=record.key,
            record_id=record_id,
            headers=dict(record.headers),
            offset=record.offset,
        )

    def _place(self, record: Fetched, view: RouterView) -> Placed:
        """Read a record; its time is the broker's, never less than the partition's previous one."""
        return Placed(
            entry=self._entry(record),
            original=record.value or b"",
            record_id=MessageId(derived_id("intake", str(record.partition), str(record.offset))),
            partition=record.partition,
            offset=record.offset,
            now=Instant(max(self._moment(record.timestamp), view.clock)),
        )

    def _write(self, place: Placed, result: Result) -> _Written:
        written = _Written()
        written.controls = [
            (key.encode(), None if body is None else self._codec.control_bytes(_control(place, key, body)))
            for key, body in result.controls
        ]
        views, withheld = self._views(place, result)
        sent = {view.delivery_id: view.value for _, view in views}
        # What never left is not waited for to be acknowledged.
        cases = [noted(given_up(Applied(case=case), withheld).case, sent) for case in result.cases]
        written.cases = [(case, self._codec.case(case).value) for case in cases]
        settled = _as_written(result, views)
        written.records = self._deliveries(
            place, views, settled, receipt=place.receipt if result.seen else None
        )
        written.records += self._ledger(place, result, withheld) + self._verdicts(place, result, settled)
        if result.rejection is not None:
            written.records.append(self._quarantine.rejected(place, result.rejection))
        elif withheld:
            written.records.append(self._quarantine.not_written(place, withheld))
        return written

    def _views(self, place: Placed, result: Result) -> tuple[list[tuple[Delivery, FramedView]], Withheld]:
        """Write every delivery; one that cannot be written, or must not leave, is left out, the others go.

        What tells only of a delivery that is left out is left out with it: nothing was disclosed.

        Returns:
            What was written, and what was not, with the reason.

        Raises:
            NotReadable: None of what was sent can be written: it is then better replayed than half done. A
                tick goes on: its timers would ring again at the next, and without end.
        """
        views: list[tuple[Delivery, FramedView]] = []
        withheld: Withheld = {}
        only_with = dict(result.only_with)
        # First what others hang on, so that it is known by then whether that goes.
        for delivery in sorted(result.deliveries, key=lambda each: each.message_id in only_with):
            if only_with.get(delivery.message_id) in withheld:
                continue
            try:
                views.append((delivery, self._dispatch.view(delivery)))
            except HubError as error:
                _log.error(
                    "a delivery cannot be written and is withheld",
                    record=place.record_id,
                    organisation=delivery.organisation,
                    hub_message=delivery.message.value,
                    at=_place_in_code(error),
                )
                telemetry.count("hub.router.not_written", hub_organisation=delivery.organisation)
                code = error.code if isinstance(error, LeftIn) else WRITE_FAILED
                withheld[delivery.delivery_id] = (delivery.organisation, code)
        if withheld and not views and isinstance(place.entry, Submission):
            raise NotReadable(worst(withheld), f"not written for {names(withheld)}, and for nobody else")
        return views, withheld

    def _deliveries(
        self,
        place: Placed,
        written: Sequence[tuple[Delivery, FramedView]],
        settled: Sequence[Settled],
        *,
        receipt: Submission | None,
    ) -> list[Outgoing]:
        """One outbox record per message, its views sealed together; and one on each Kafka topic chosen.

        A receipt has one also where nobody is told of it: it speaks of a delivery.
        """
        records: list[Outgoing] = []
        outboxes: dict[tuple[MessageId, CaseRef], _OfMessage] = {}
        if receipt is not None:
            said = receipt.envelope
            outboxes[said.message_id, said.case] = _OfMessage(said.message, source=receipt)
        for delivery, view in written:
            of_message = outboxes.setdefault((delivery.message_id, delivery.case), _OfMessage(view.message))
            of_message.views.append(view)
            of_message.source = delivery.source
            if view.by_kafka:
                topic = self._catalogue.delivery_name(view.organisation)
                partition = lane_partition(delivery.case, DELIVERY_PARTITIONS)
                records.append(place.outgoing(topic, partition, self._dispatch.record(view)))
        for each in settled:
            name = MessageName(str(each.decision.message_name))
            of_message = outboxes.setdefault((each.decision.message, each.decision.case), _OfMessage(name))
            of_message.settled.append(each)
            if each.by_kafka and each.verdict is not Verdict.RELEASE:
                records.append(self._taken_back(place, each))
        for (message_id, case), of_message in outboxes.items():
            records.append(self._outbox(place, message_id, case, of_message))
        return records

    def _taken_back(self, place: Placed, settled: Settled) -> Outgoing:
        """Take a delivery back from its recipient's topic: the log there forgets it once it is compacted."""
        return Outgoing(
            topic=self._catalogue.delivery_name(settled.decision.candidate.organisation),
            partition=lane_partition(settled.decision.case, DELIVERY_PARTITIONS),
            key=settled.delivery_id.encode(),
            value=None,
            origin=place.offset,
        )

    def _outbox(
        self, place: Placed, message_id: MessageId, case: CaseRef, of_message: _OfMessage
    ) -> Outgoing:
        source = of_message.source
        outbox = Outbox(
            message_id=message_id,
            case=case,
            message=of_message.message,
            decided_at=place.now,
            partition=place.partition,
            offset=place.offset,
            views=tuple(of_message.views),
            original=None if source is None else self._codec.envelope_bytes(source),
            settled=tuple(
                Verdicted(
                    delivery_id=each.delivery_id,
                    verdict=each.verdict,
                    decision_id=each.decision.decision_id,
                    turn=each.turn,
                    until=each.until,
                )
                for each in of_message.settled
            ),
        )
        return place.outgoing(self._catalogue.outbox, place.partition, self._dispatch.outbox(outbox))

    def _verdicts(self, place: Placed, result: Result, settled: Sequence[Settled]) -> list[Outgoing]:
        """One ledger record for every delivery decided again."""
        narrower = {each.grounds.decision_id: each.delivery_id for each in result.deliveries if each.grounds}
        records = []
        for each in settled:
            goes_as = {
                Verdict.RELEASE: each.delivery_id,
                Verdict.REPLACE: narrower.get(each.decision.decision_id),
                Verdict.STOP: None,
            }
            encoded = self._evidence.ledger(
                each.decision,
                delivery_id=goes_as[each.verdict],
                partition=place.partition,
                offset=place.offset,
                settled=each,
            )
            records.append(place.outgoing(self._catalogue.ledger, place.partition, encoded))
        return records

    def _ledger(self, place: Placed, result: Result, withheld: Withheld) -> list[Outgoing]:
        """One record for every decision, also where nothing goes; none on a report that was never made."""
        deliveries = delivered(result.deliveries)
        records = []
        never_made = {message for message, delivery in result.only_with if delivery in withheld}
        for decision in result.decisions:
            if decision.message in never_made:
                continue
            candidate = decision.candidate
            found = deliveries.get((decision.message, candidate.organisation, candidate.role))
            if decision.gate in PARKED:
                telemetry.count(
                    "hub.router.parked", hub_code=str(decision.gate), hub_organisation=candidate.organisation
                )
            if decision.delivers and found is not None and found.delivery_id in withheld:
                _, gate = withheld[found.delivery_id]
                decision = replace(decision, delivers=False, gate=gate, caveats=(), obligations=())  # noqa: PLW2901
            delivery = found if decision.delivers else None
            encoded = self._evidence.ledger(
                decision,
                delivery_id=None if delivery is None else delivery.delivery_id,
                by_kafka=delivery is not None and delivery.by_kafka,
                partition=place.partition,
                offset=place.offset,
            )
            records.append(place.outgoing(self._catalogue.ledger, place.partition, encoded))
        return records


def _place_in_code(error: Exception) -> str:
    """The kind of an error and the line it came from; its text may hold a value and is not told."""
    frame_ = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame_.name}, {PurePath(frame_.filename).name}:{frame_.lineno}"


def _apply(place: Placed, result: Result, written: _Written, view: RouterView) -> None:
    """Make the result's changes in the overlay: from here on the next record sees them."""
    for case, value in written.cases:
        view.put_case(case, value)
    for control, fact in written.controls:
        view.control.put(control, fact)
    if result.seen is not None and isinstance(place.entry, Submission):
        view.put_seen(*result.seen, sent=place.entry)
    for key in result.timers_cleared:
        view.timers.put(key.encode(), None)
    for timer in result.timers_set:
        view.put_timer(timer)


def _control(place: Placed, key: str, body: Mapping[str, object]) -> Control:
    """A control fact changed: `kind/name` and body, under the id of the record that changed it."""
    kind, _, name = key.partition("/")
    control_id, effective_at = place.record_id, place.now
    if isinstance(place.entry, Control):
        control_id, effective_at = place.entry.control_id, place.entry.effective_at
    return Control(
        control_id=control_id,
        kind=kind,
        name=name,
        effective_at=effective_at,
        body=body,
        offset=place.offset,
    )


def _as_written(result: Result, written: Sequence[tuple[Delivery, FramedView]]) -> tuple[Settled, ...]:
    """Return the verdicts; a delivery whose narrower form could not be written is stopped."""
    made = {delivery.grounds.decision_id for delivery, _ in written if delivery.grounds}
    return tuple(
        each
        if each.verdict is not Verdict.REPLACE or each.decision.decision_id in made
        else replace(
            each,
            verdict=Verdict.STOP,
            decision=replace(each.decision, delivers=False, gate=WRITE_FAILED, caveats=(), obligations=()),
        )
        for each in result.settled
    )
