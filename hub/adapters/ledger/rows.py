"""What a record of the hub's own topics becomes in PostgreSQL.

Every change can be made twice, or in another order than that of another topic, and leaves the same
rows: a restart, a second projector and a rebuild from Kafka end alike. A message is `routed` once the
router has taken it, also when it was refused before and sent again under its id; until then `refused`.
Records of ledger and quarantine become columns under the names their schemas give their fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, LiteralString

import structlog
from aiokafka import ConsumerRecord
from psycopg.types.json import Jsonb

from hub.adapters.ledger.happened import HAPPENED, event_values
from hub.adapters.ledger.holding import concerned
from hub.adapters.ledger.people import people, people_gone
from hub.adapters.ledger.receipts import SAID, said_by
from hub.adapters.ledger.taking_back import CORRECTED, TAKEN_BACK, taken_back
from hub.errors import NotReadable
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef
from hub.routing.outcome import Verdict
from hub.topics.delivery_box import ORIGINAL_PLACE, seal_delivery, seal_grounds
from hub.topics.dispatch import Dispatch
from hub.topics.evidence import Evidence
from hub.topics.happenings import Happenings
from hub.topics.keys import case_key
from hub.topics.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec
    from hub.topics.dispatch import FramedView, Outbox

KEY_REUSED = "KEY-REUSED"
"""The id of such a record belongs to the message taken first, whose state it must not touch."""
REFERENCE_PARTITION = 0
"""Every partition holds every control record; the `control` table follows this one, in its order."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOG = structlog.get_logger()

DELIVERY: LiteralString = """
INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract, urgency,
                      box, key_id, nonce, digest, size, by_kafka, available_at, partition, "offset", turn,
                      decision_id, grounds_nonce, grounds_box, right_until, replaces)
VALUES (%(delivery_id)s, %(message_id)s, %(case_ref)s, %(organisation)s, %(role)s, %(message)s, %(contract)s,
        %(urgency)s, %(box)s, %(key_id)s, %(nonce)s, %(digest)s, %(size)s, %(by_kafka)s, %(available_at)s,
        %(partition)s, %(offset)s, %(turn)s, %(decision_id)s, %(grounds_nonce)s, %(grounds_box)s,
        %(right_until)s, NULL)
ON CONFLICT (delivery_id) DO NOTHING
"""
ORIGINAL: LiteralString = """
INSERT INTO original (message_id, case_ref, key_id, nonce, box)
VALUES (%(message_id)s, %(case_ref)s, %(key_id)s, %(nonce)s, %(box)s)
ON CONFLICT (message_id) DO NOTHING
"""
RELEASED: LiteralString = """
UPDATE delivery
   SET "offset" = %(offset)s, turn = %(turn)s, decision_id = %(decision_id)s, right_until = %(right_until)s,
       held = held AND taken_back IS NOT NULL AND asked_at IS NULL, released_at = now(),
       asked_at = CASE WHEN %(right_until)s::timestamptz <= now() THEN asked_at END, asks = 0
 WHERE delivery_id = %(delivery_id)s AND verdict IS NULL
"""
"""What was taken back since it was last asked about stays held: this answers an older request."""
STOPPED: LiteralString = """
UPDATE delivery SET verdict = 'stop', verdict_id = %(decision_id)s, held = false
 WHERE delivery_id = %(delivery_id)s AND verdict IS NULL
"""
REPLACED: LiteralString = """
WITH wider AS (
    UPDATE delivery SET verdict = 'replace', verdict_id = %(decision_id)s, held = false
     WHERE delivery_id = %(replaces)s AND verdict IS NULL
    RETURNING delivery_id, corrected
)
INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract, urgency,
                      box, key_id, nonce, digest, size, by_kafka, available_at, partition, "offset", turn,
                      decision_id, grounds_nonce, grounds_box, right_until, replaces, corrected)
SELECT %(delivery_id)s, %(message_id)s, %(case_ref)s, %(organisation)s, %(role)s, %(message)s, %(contract)s,
       %(urgency)s, %(box)s, %(key_id)s, %(nonce)s, %(digest)s, %(size)s, %(by_kafka)s, %(available_at)s,
       %(partition)s, %(offset)s, %(turn)s, %(decision_id)s, %(grounds_nonce)s, %(grounds_box)s,
       %(right_until)s, wider.delivery_id, wider.corrected FROM wider
ON CONFLICT (delivery_id) DO NOTHING
"""
VERDICTS = frozenset({RELEASED, STOPPED, REPLACED})
LAST = VERDICTS | {TAKEN_BACK, CORRECTED}
"""Made one by one, in the order of the log, after the deliveries they may speak of."""
ENTERING = frozenset({DELIVERY, REPLACED})
"""What puts a delivery into a mailbox."""
ROUTED: LiteralString = """
INSERT INTO submission (message_id, organisation, message, contract, state, decided_at)
VALUES (%(message_id)s, %(organisation)s, %(message)s, %(contract)s, 'routed', %(decided_at)s)
ON CONFLICT (message_id) DO UPDATE
   SET state = 'routed', decided_at = excluded.decided_at,
       organisation = coalesce(excluded.organisation, submission.organisation),
       message = coalesce(excluded.message, submission.message),
       contract = coalesce(excluded.contract, submission.contract)
"""
REFUSED: LiteralString = """
INSERT INTO submission (message_id, organisation, message, state, decided_at)
VALUES (%(message_id)s, %(organisation)s, %(message)s, 'refused', %(decided_at)s)
ON CONFLICT (message_id) DO UPDATE
   SET decided_at = greatest(submission.decided_at, excluded.decided_at),
       organisation = coalesce(submission.organisation, excluded.organisation),
       message = coalesce(submission.message, excluded.message)
 WHERE submission.state = 'refused'
"""
QUARANTINE: LiteralString = """
INSERT INTO quarantine (record_id, message_id, organisation, message, code, detail, key_id, nonce, box,
                        set_aside_at, partition, "offset")
VALUES (%(record_id)s, %(message_id)s, %(organisation)s, %(message)s, %(code)s, %(detail)s, %(key_id)s,
        %(nonce)s, %(box)s, %(set_aside_at)s, %(partition)s, %(offset)s)
ON CONFLICT (record_id) DO NOTHING
"""
LEDGER: LiteralString = """
INSERT INTO ledger (decision_id, message_id, case_ref, organisation, role, concern, message, contract,
                    contract_digest, purpose, delivers, by_kafka, gate, fields, caveats, policy, case_version,
                    facts_key, facts_nonce, facts_box, facts_digest, decided_at, partition, "offset",
                    delivery_id, again, verdict)
VALUES (%(decision_id)s, %(message_id)s, %(case_ref)s, %(organisation)s, %(role)s, %(concern)s, %(message)s,
        %(contract)s, %(contract_digest)s, %(purpose)s, %(delivers)s, %(by_kafka)s, %(gate)s, %(fields)s,
        %(caveats)s, %(policy)s, %(case_version)s, %(facts_key)s, %(facts_nonce)s, %(facts_box)s,
        %(facts_digest)s, %(decided_at)s, %(partition)s, %(offset)s, %(delivery_id)s,
        %(again)s, %(verdict)s)
ON CONFLICT (decision_id) DO NOTHING
"""
CASE: LiteralString = """
INSERT INTO case_state (case_ref, key_id, nonce, box, version, turn)
VALUES (%(case_ref)s, %(key_id)s, %(nonce)s, %(box)s, %(version)s, %(turn)s)
ON CONFLICT (case_ref) DO UPDATE
   SET key_id = excluded.key_id, nonce = excluded.nonce, box = excluded.box, version = excluded.version,
       turn = excluded.turn
"""
CASE_GONE: LiteralString = "DELETE FROM case_state WHERE case_ref = %(case_ref)s"
CONTROL: LiteralString = """
INSERT INTO control (kind, name, body, control_id)
VALUES (%(kind)s, %(name)s, %(body)s, %(control_id)s)
ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body, control_id = excluded.control_id
"""
CONTROL_CHANGE: LiteralString = """
INSERT INTO control_change (partition, kind, name, organisation, message, "offset")
VALUES (%(partition)s, %(kind)s, %(name)s, %(organisation)s, %(message)s, %(offset)s)
ON CONFLICT (partition, kind, name) DO UPDATE
   SET "offset" = greatest(control_change."offset", excluded."offset")
"""
CONTROL_GONE: LiteralString = "DELETE FROM control WHERE kind = %(kind)s AND name = %(name)s"
CONTROL_APPLIED: LiteralString = """
INSERT INTO control_applied (control_id, partition) VALUES (%(control_id)s, %(partition)s)
ON CONFLICT DO NOTHING
"""

Record = ConsumerRecord[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One statement with its values; of several in a batch for the same `row`, the last counts."""

    row: tuple[str, ...]
    statement: LiteralString
    values: Mapping[str, object]


class Rows:
    """Turns records into changes, topic by topic."""

    def __init__(self, codec: Codec, catalogue: Catalogue) -> None:
        """Read with this codec; know the topics by this catalogue."""
        self._codec = codec
        self._dispatch = Dispatch(codec)
        self._evidence = Evidence(codec)
        self._happenings = Happenings(codec)
        self._by_topic: dict[str, Callable[[Record], Iterable[Change]]] = {
            catalogue.outbox: self._outbox,
            catalogue.ledger: self._ledger,
            catalogue.deliveries: self._happened,
            catalogue.quarantine: self._quarantine,
            catalogue.cases: self._case,
            catalogue.control: self._control,
            catalogue.seen: self._seen,
        }

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that are projected."""
        return tuple(self._by_topic)

    def changes(self, record: Record) -> tuple[Change, ...]:
        """Return what this record changes; nothing if the key of its person has been erased.

        Raises:
            NotReadable: The hub wrote this record itself, yet it cannot be read.
        """
        try:
            return tuple(self._by_topic[record.topic](record))
        except NotReadable as error:
            if error.code != "KEY-ERASED":
                raise
            _LOG.info(
                "projector.erased", topic=record.topic, partition=record.partition, offset=record.offset
            )
            return ()
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            code = "RECORD-INVALID"
            raise NotReadable(
                code, f"{type(error).__name__} while reading a record of the hub's own"
            ) from None

    def _outbox(self, record: Record) -> Iterable[Change]:
        outbox = self._dispatch.outbox_from(_value(record), key=record.key or b"")
        if outbox.original is not None:
            if outbox.views:
                yield self._original(outbox, outbox.original)
            if outbox.message is MessageName.CORRECTION:
                values = taken_back(self._codec, outbox, outbox.original)
                yield Change(row=("taken back", outbox.message_id), statement=TAKEN_BACK, values=values)
                yield Change(row=("corrected", outbox.message_id), statement=CORRECTED, values=values)
            if outbox.message is MessageName.RECEIPT:
                values = said_by(self._codec, outbox, outbox.original)
                yield Change(row=("receipt", outbox.message_id), statement=SAID, values=values)
        said = {} if outbox.original is None else self._codec.said_of(outbox.original)
        verdicts = {each.decision_id: each for each in outbox.settled}
        for view in outbox.views:
            values = self._delivery(outbox, view, said, record)
            if view.grounds is None or view.grounds.replaces is None:
                yield Change(row=("delivery", view.delivery_id), statement=DELIVERY, values=values)
            elif verdicts.pop(view.grounds.decision_id, None) is not None:
                values["replaces"] = view.grounds.replaces
                yield Change(row=("verdict", view.delivery_id), statement=REPLACED, values=values)
        for each in verdicts.values():
            row = ("verdict", each.decision_id)
            statement = RELEASED if each.verdict is Verdict.RELEASE else STOPPED
            settled: dict[str, object] = {
                "delivery_id": each.delivery_id,
                "decision_id": each.decision_id,
                "offset": outbox.offset,
                "turn": each.turn,
                "right_until": each.until and _moment(each.until),
            }
            yield Change(row=row, statement=statement, values=settled)

    def _original(self, outbox: Outbox, plain: bytes) -> Change:
        sealed = self._codec.sealer.seal(
            plain, key_id=case_key(outbox.case), place=ORIGINAL_PLACE, record=outbox.message_id
        )
        values = {
            "message_id": outbox.message_id,
            "case_ref": outbox.case,
            "key_id": sealed.key_id,
            "nonce": sealed.nonce,
            "box": sealed.box,
        }
        return Change(row=("original", outbox.message_id), statement=ORIGINAL, values=values)

    def _delivery(
        self, outbox: Outbox, view: FramedView, said: Mapping[str, object], record: Record
    ) -> dict[str, object]:
        sealer, key_id = self._codec.sealer, case_key(outbox.case)
        sealed = seal_delivery(
            sealer, delivery_id=view.delivery_id, key_id=key_id, headers=view.headers, view=view.value
        )
        grounds = view.grounds
        values: dict[str, object] = {
            "delivery_id": view.delivery_id,
            "message_id": outbox.message_id,
            "case_ref": outbox.case,
            "organisation": view.organisation,
            "role": view.role.value,
            "message": view.message.value,
            "contract": view.contract,
            "urgency": view.urgency.value,
            "box": sealed.box,
            "key_id": sealed.key_id,
            "nonce": sealed.nonce,
            "digest": sha256(view.value).digest(),
            "size": len(view.value),
            "by_kafka": view.by_kafka,
            "available_at": _moment(record.timestamp),
            "partition": outbox.partition,
            "offset": outbox.offset,
        }
        if grounds is None:
            return values | dict.fromkeys(
                ("turn", "decision_id", "grounds_nonce", "grounds_box", "right_until")
            )
        kept = seal_grounds(sealer, grounds, said=said, delivery_id=view.delivery_id, key_id=key_id)
        return values | {
            "turn": grounds.turn,
            "decision_id": grounds.decision_id,
            "grounds_nonce": kept.nonce,
            "grounds_box": kept.box,
            "right_until": grounds.until and _moment(grounds.until),
        }

    def _ledger(self, record: Record) -> Iterable[Change]:
        entered = self._evidence.ledger_fields(_value(record))
        values = entered | {"fields": Jsonb(entered["fields"]), "decided_at": _moment(entered["decided_at"])}
        yield Change(row=("ledger", entered["decision_id"]), statement=LEDGER, values=values)

    def _happened(self, record: Record) -> Iterable[Change]:
        happening = self._happenings.happening(_value(record))
        values = event_values(happening, published_at=_moment(record.timestamp))
        # A row for each record: of an event that stands on the topic twice the first holds, not the last.
        row = ("event", happening.event_id, str(record.partition), str(record.offset))
        yield Change(row=row, statement=HAPPENED, values=values)

    def _quarantine(self, record: Record) -> Iterable[Change]:
        aside = self._evidence.quarantine_fields(_value(record))
        values = aside | {"set_aside_at": _moment(aside["set_aside_at"])}
        yield Change(row=("quarantine", aside["record_id"]), statement=QUARANTINE, values=values)
        if aside["message_id"] is not None and aside["code"] != KEY_REUSED:
            refused = {name: values[name] for name in ("message_id", "organisation", "message")}
            refused["decided_at"] = values["set_aside_at"]
            # A row for every refusal: which of several came last is for the statement to say.
            yield Change(row=("refused", aside["record_id"]), statement=REFUSED, values=refused)

    def _seen(self, record: Record) -> Iterable[Change]:
        if record.value is None:
            return
        message_id = (record.key or b"").decode()
        _, organisation, message, contract = (*record.value.decode().split(" "), None, None, None)[:4]
        values = {
            "message_id": message_id,
            "organisation": organisation,
            "message": message,
            "contract": contract,
            "decided_at": _moment(record.timestamp),
        }
        yield Change(row=("routed", message_id), statement=ROUTED, values=values)

    def _case(self, record: Record) -> Iterable[Change]:
        case_ref = (record.key or b"").decode()
        row = ("case", case_ref)
        if record.value is None:
            yield Change(row=row, statement=CASE_GONE, values={"case_ref": case_ref})
            for sort, statement, named in people_gone(case_ref):
                yield Change(row=(sort, case_ref), statement=statement, values=named)
            return
        sealed = self._codec.sealed_from(record.value)
        case = self._codec.case_from(CaseRef(case_ref), record.value)
        values = {
            "case_ref": case_ref,
            "key_id": sealed.key_id,
            "nonce": sealed.nonce,
            "box": sealed.box,
            "version": case.version,
            "turn": case.turn,
        }
        yield Change(row=row, statement=CASE, values=values)
        for sort, statement, named in people(case, self._codec.keys):
            yield Change(row=(sort, case_ref), statement=statement, values=named)

    def _control(self, record: Record) -> Iterable[Change]:
        kind, _, name = (record.key or b"").decode().partition("/")
        row, reference = ("control", kind, name), record.partition == REFERENCE_PARTITION
        if record.value is None:
            if reference:
                yield Change(row=row, statement=CONTROL_GONE, values={"kind": kind, "name": name})
            return
        control = self._codec.control_from(record.value)
        if reference:
            body = Jsonb(to_plain(control.body))
            values = {"kind": kind, "name": name, "body": body, "control_id": control.control_id}
            yield Change(row=row, statement=CONTROL, values=values)
        if control.offset is not None:
            organisation, message = concerned(kind, name)
            changed = {
                "partition": record.partition,
                "kind": kind,
                "name": name,
                "organisation": organisation,
                "message": message,
                "offset": control.offset,
            }
            place = ("change", str(record.partition), kind, name)
            yield Change(row=place, statement=CONTROL_CHANGE, values=changed)
        yield Change(
            row=("applied", control.control_id, str(record.partition)),
            statement=CONTROL_APPLIED,
            values={"control_id": control.control_id, "partition": record.partition},
        )


def _value(record: Record) -> bytes:
    if record.value is None:
        code = "RECORD-INVALID"
        raise NotReadable(code, "this topic holds no tombstones")
    return record.value


def _moment(instant: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=instant)
