"""Writes decisions as ledger records, byte for byte what encoding under the schema gives.

Decisions share their fields, and the parties they are about come again and again. So what is written of those
is kept, and a record is put together from pieces; all that is kept is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import fastavro

from hub.consent.plan import Fields
from hub.errors import Drift
from hub.topics.library import frame

if TYPE_CHECKING:
    from hub.consent.decision import Decision, FieldDecision
    from hub.routing.outcome import Settled
    from hub.topics.library import Contract

FIELDS = (
    "decision_id",
    "message_id",
    "case_ref",
    "organisation",
    "role",
    "concern",
    "message",
    "contract",
    "contract_digest",
    "purpose",
    "delivers",
    "by_kafka",
    "gate",
    "fields",
    "caveats",
    "policy",
    "case_version",
    "facts_key",
    "facts_nonce",
    "facts_box",
    "facts_digest",
    "decided_at",
    "partition",
    "offset",
    "delivery_id",
    "again",
    "verdict",
)
"""What a ledger record has, in the order it is written in."""
RUNS_MAX = 4096
"""Runs of field decisions whose bytes are kept."""
SINGLE_MAX = 16_384
"""Field decisions whose bytes are kept."""
_NULL, _SOME, _END = b"\x00", b"\x02", b"\x00"
_FALSE, _TRUE = b"\x00", b"\x01"
_SEVEN_BITS, _MORE = 0x7F, 0x80
_LENGTHS_MAX = 4096


class LedgerWriter:
    """Writes ledger records of one contract, framed."""

    def __init__(self, contract: Contract) -> None:
        """Use this version of the ledger's schema; Drift if it is another than is written here."""
        names = tuple(each.name for each in contract.shape.fields)
        if names != FIELDS:
            message = f"the ledger's schema {contract.version} has other fields than are written"
            raise Drift(message, fix="write the new fields in hub/topics/ledger_bytes.py")
        self._item: Any = contract.avro["fields"][FIELDS.index("fields")]["type"]["items"]
        self._verdicts: list[str] = contract.avro["fields"][FIELDS.index("verdict")]["type"][1]["symbols"]
        self._frame = frame(contract.id, b"")
        self._single: dict[int, tuple[FieldDecision, bytes]] = {}
        self._runs: dict[int, tuple[tuple[FieldDecision, ...], bytes]] = {}

    def write(  # noqa: PLR0913 - what the decision itself does not know
        self,
        decision: Decision,
        *,
        contract_digest: str | None,
        by_kafka: bool,
        facts: tuple[str, bytes, bytes],
        facts_digest: str,
        place: tuple[int, int],
        delivery_id: str | None,
        settled: Settled | None,
    ) -> bytes:
        """Return the record.

        Args:
            decision: what was decided.
            contract_digest: of the contract its paths are of.
            by_kafka: whether the delivery stands on the recipient's own topic.
            facts: the sealed facts: key id, nonce, box.
            facts_digest: what they are known by.
            place: partition and offset of the message in hub.intake.
            delivery_id: the delivery it led to, if any.
            settled: the verdict that follows from it, where it was made on a delivery made earlier.
        """
        key_id, nonce, box = facts
        candidate = decision.candidate
        message, ruled, when = _of_message(
            decision.message,
            decision.case,
            decision.policy,
            decision.case_version,
            key_id,
            decision.decided_at,
            *place,
        )
        # The schema bounds the id, so its length is at hand.
        decision_id, fields = decision.decision_id.encode(), decision.fields
        return b"".join(
            (
                self._frame,
                _LENGTHS[len(decision_id)],
                decision_id,
                message,
                _about(
                    candidate.organisation,
                    candidate.role,
                    candidate.concern,
                    decision.message_name,
                    decision.contract,
                    contract_digest,
                    decision.purpose,
                ),
                _outcome(decision.delivers, by_kafka, decision.gate),
                *(
                    (fields.written or self._fields(fields))
                    if type(fields) is Fields
                    else self._fields(fields)
                ),
                _texts(decision.caveats + decision.obligations),
                ruled,
                _bytes(nonce),
                _bytes(box),
                _text(facts_digest),
                when,
                _NULL if delivery_id is None else _SOME + _text(delivery_id),
                _NULL + _NULL if settled is None else self._settled(settled),
            )
        )

    def _settled(self, settled: Settled) -> bytes:
        """Write which delivery was decided again, and what became of it."""
        verdict = _SOME + _whole(self._verdicts.index(settled.verdict.value))
        return _SOME + _text(settled.delivery_id) + verdict

    def _fields(self, fields: tuple[FieldDecision, ...]) -> Sequence[bytes]:
        """Write the outcome per field in pieces; decisions that share runs of fields share their bytes."""
        if not fields:
            return (_END,)
        runs = fields.runs if isinstance(fields, Fields) else (fields,)
        written = [kept[1] if (kept := self._runs.get(id(run))) else self._run(run) for run in runs]
        pieces = (_whole(len(fields)), *written, _END)
        if isinstance(fields, Fields):
            # There is one schema of the ledger, so one way to write an answer.
            fields.written = pieces
        return pieces

    def _run(self, run: tuple[FieldDecision, ...]) -> bytes:
        if len(self._runs) >= RUNS_MAX:
            self._runs.clear()
        written = b"".join(
            [kept[1] if (kept := self._single.get(id(each))) else self._field(each) for each in run]
        )
        # What is kept holds its fields, so that no others can come to have their identity.
        self._runs[id(run)] = (run, written)
        return written

    def _field(self, field: FieldDecision) -> bytes:
        if len(self._single) >= SINGLE_MAX:
            self._single.clear()
        buffer = BytesIO()
        fastavro.schemaless_writer(buffer, self._item, plain_field(field), strict_allow_default=True)
        self._single[id(field)] = (field, buffer.getvalue())
        return buffer.getvalue()


def plain_field(field: FieldDecision) -> dict[str, object]:
    """Return a field decision as the ledger's schema names its parts."""
    return {
        "path": field.path,
        "scope": field.scope.value,
        "outcome": field.outcome.name.lower(),
        "reason": field.reason,
        "basis": field.basis,
        "rules": list(field.rules),
        "alternates": list(field.alternates),
    }


@lru_cache(maxsize=4096)
def _about(*parts: str | None) -> bytes:
    """Write who a decision is about, and on what: the same few times and again."""
    organisation, role, concern, message, contract, digest, purpose = parts
    return b"".join(
        [
            *(_text(str(each)) for each in (organisation, role, concern)),
            *(_NULL if each is None else _SOME + _text(each) for each in (message, contract, digest)),
            _text(str(purpose)),
        ]
    )


@lru_cache(maxsize=1024)
def _outcome(delivers: bool, by_kafka: bool, gate: str | None) -> bytes:  # noqa: FBT001 - as they are written
    """Write whether and how it goes, and which of the reasons there are keeps it from going."""
    stopped = _NULL if gate is None else _SOME + _text(gate)
    return (_TRUE if delivers else _FALSE) + (_TRUE if by_kafka else _FALSE) + stopped


@lru_cache(maxsize=1024)
def _texts(texts: tuple[str, ...]) -> bytes:
    """Write a list of texts."""
    return _block([_text(each) for each in texts])


@lru_cache(maxsize=64)
def _of_message(  # noqa: PLR0913, PLR0917 - all that is the same for all recipients of a message
    message: str,
    case: str,
    policy: str,
    case_version: int,
    key_id: str,
    decided_at: int,
    partition: int,
    offset: int,
) -> tuple[bytes, bytes, bytes]:
    """Write what the decision is on; by which rules, on which version and under which key; when and where."""
    return (
        _text(message) + _text(case),
        _text(policy) + _whole(case_version) + _text(key_id),
        _whole(decided_at) + _whole(partition) + _whole(offset),
    )


def _block(items: Sequence[bytes]) -> bytes:
    """Write a list in one block, as fastavro does."""
    return b"".join((_whole(len(items)), *items, _END)) if items else _END


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _bytes(raw: bytes) -> bytes:
    length = len(raw)
    return (_LENGTHS[length] if length < _LENGTHS_MAX else _whole(length)) + raw


def _whole(number: int) -> bytes:
    """Write a whole number that is not negative: seven bits a byte, the lowest first."""
    rest = number << 1
    out = bytearray()
    while rest > _SEVEN_BITS:
        out.append(rest & _SEVEN_BITS | _MORE)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_LENGTHS = tuple(_whole(length) for length in range(_LENGTHS_MAX))
