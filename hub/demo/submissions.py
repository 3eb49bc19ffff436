"""A step as it goes to the hub: the JSON body for HTTP, the Avro record for a Kafka topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.day import Spoiling, iso
from hub.messages.envelope import MessageName
from hub.topics.library import frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.demo.day import Step
    from hub.topics.library import SchemaLibrary

NO_SUCH_CASE = "case_" + "a2" * 26
"""Of the form the hub gives out, and given to nobody."""
SUBMISSION_SCHEMA = 2
CUT_BYTES = 5
"""So many bytes are missing from a truncated record."""
LATEST = "1.0"


def path_of(message: MessageName) -> str:
    """Return the address a message is posted to."""
    return f"/v1/{message.value}" if message is MessageName.PROGRESS else f"/v1/{message.value}s"


def http_body(
    step: Step, *, case: str | None, data: Mapping[str, object], thread: Mapping[str, str]
) -> dict[str, object]:
    """Return the JSON body; the organisation is not in it, it follows from the key.

    `data` is the step's payload with what it cites filled in, `thread` its cause and correlation.
    """
    body: dict[str, object] = {
        **thread,
        "contract": step.contract,
        "occurred_at": iso(step.occurred_at),
        "author": step.author.reference,
        "author_role": step.author.role.value,
        "statement": step.statement.value,
        "data": dict(data),
    }
    if case is not None:
        body["case"] = NO_SUCH_CASE if step.spoiling is Spoiling.UNKNOWN_CASE else case
    if step.classes:
        body["classes"] = {path: found.value for path, found in step.classes.items()}
    return body


def avro_record(step: Step, *, case: str, library: SchemaLibrary) -> bytes:
    """Return the framed Avro record for the organisation's own topic, spoilt if the step says so."""
    contract = library.contract(step.message, LATEST)
    payload = library.encode(contract, library.from_json(contract, step.data))
    envelope = library.by_id(SUBMISSION_SCHEMA)
    record = library.encode(
        envelope,
        {
            "message": step.message.value,
            "contract": step.contract,
            "case": case,
            "occurred_at": step.occurred_at,
            "author": step.author.reference,
            "author_role": step.author.role.value,
            "statement": step.statement.value,
            "correlation": None,
            "causation": None,
            "classes": {path: found.value for path, found in step.classes.items()},
            "payload": payload,
        },
    )
    framed = frame(SUBMISSION_SCHEMA, record)
    return framed[:-CUT_BYTES] if step.spoiling is Spoiling.TRUNCATED else framed
