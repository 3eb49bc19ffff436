"""What to do about a message that was not taken, by reason code; for staff, in the domain's words."""

from __future__ import annotations

from collections.abc import Mapping

REMEDIES: Mapping[str, str] = {
    "NOT-AVRO": "the sender writes magic byte 0, the schema id and an Avro record; JSON goes over HTTP",
    "NOT-A-SUBMISSION": "the sender frames its record with the schema id of `submission`",
    "CONTRACT-UNKNOWN": "the sender names a contract and version of `hub contracts list`",
    "AVRO-TRUNCATED": "the sender sends the whole record again under a new message-id",
    "AVRO-TRAILING": "the sender writes one record and nothing behind it",
    "AVRO-VARINT": "the sender's Avro library writes numbers nobody else reads: have it replaced",
    "AVRO-LENGTH": "the sender's Avro library writes lengths that cannot be: have it replaced",
    "AVRO-COUNT": "the sender sends fewer items, as the contract's maxItems says",
    "AVRO-INDEX": "the sender writes the record by the contract's own schema: it uses another version of it",
    "AVRO-UTF8": "the sender writes text in UTF-8",
    "AVRO-NUMBER": "the sender writes numbers by the contract's own schema, and none that is not finite",
    "AVRO-INVALID": "the sender writes the record by the contract's own schema",
    "PAYLOAD-INVALID": "the sender mends the fields named in the detail",
    "OVERSIZE": "the sender sends less in one message",
    "TOO-LARGE": "the message leads to more than one record can carry: the sender splits it",
    "MESSAGE-ID-MISSING": "the sender puts its own id of the message in the header message-id",
    "MESSAGE-ID-INVALID": "the sender gives one message-id, of letters, digits and _.:~+/=-",
    "MESSAGE-NOT-AGREED": "agree the message type with the organisation: `python3 -m hub partner`",
    "ORGANISATION-SUSPENDED": "put the organisation in force again, then the sender sends once more",
    "ORGANISATION-UNKNOWN": "add the organisation: `hub partner add`",
    "HEADER-UNREADABLE": "the sender names its Kafka headers in UTF-8",
    "RECORD-CORRUPT": "the sender's Kafka client or the network damages records: have it looked at",
    "CODEC-UNSUPPORTED": "the sender's Kafka producer compresses with gzip, or not at all",
    "KEY-REUSED": "the sender gives every message an id of its own; the first message stands",
    "KEY-ERASED": "nothing: the person's data have been erased",
    "KEY-UNKNOWN": "restore the folder of keys from its backup, if the case is real",
    "SEAL-BROKEN": "the record was changed after it was written: have it looked at as an incident",
    "CASE-UNKNOWN": "the sender checks the case reference the hub gave it",
    "NOT-ENTITLED": "the sender is not on the case's team: the Offender Manager decides on that",
    "GUARD-WRITE-FAILED": "tell the organisation named in another way; mend its contract or the casts",
    "ENGINE-DISAGREES": "stop the routers: the rules are decided in two ways; report it with the record's id",
    "GUARD-LEFT-IN": "a fault of the hub itself: tell the organisation named in another way, and report it",
    "INTERNAL": "a fault of the hub itself: report it with the record's id",
    "RECORD-INVALID": "the sender checks how it writes its records, with an example of `hub contracts show`",
}
"""Every code at the doors, and those of the router whose remedy is not plain from the detail."""

OTHERWISE = "the detail names the rule; the sender mends the message and sends it under a new id"


def remedy(code: str) -> str:
    """Return what mends a message refused with this code."""
    return REMEDIES.get(code, OTHERWISE)
