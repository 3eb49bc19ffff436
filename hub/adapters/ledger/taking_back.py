"""What stands on a recipient's topic and has been taken back by its author: held, to be decided again.

The correction tells whoever had it; the verdict on it lets the router write the tombstone. What waits in a
mailbox is left: the correction follows it there; but what was had is not offered again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from hub.messages.correction import CorrectionMessage
from hub.messages.read import read

if TYPE_CHECKING:
    from hub.topics.codec import Codec
    from hub.topics.dispatch import Outbox

TAKEN_BACK: LiteralString = """
UPDATE delivery
   SET taken_back = CASE WHEN cardinality(%(fields)s::text[]) = 0 OR taken_back = '{}' THEN '{}'
                         ELSE coalesce(taken_back, '{}') || %(fields)s::text[] END,
       held = true, holds = holds + 1, asked_at = NULL, asks = 0
 WHERE message_id = %(corrects)s AND case_ref = %(case_ref)s AND by_kafka AND verdict IS NULL
   AND available_at > now() - interval '8 days'
"""
"""A topic keeps a record for seven days."""
CORRECTED: LiteralString = """
WITH marked AS (
    UPDATE delivery SET corrected = true
     WHERE message_id = %(corrects)s AND case_ref = %(case_ref)s AND NOT corrected
    RETURNING message_id
)
UPDATE original SET look_at = now() WHERE message_id IN (SELECT message_id FROM marked)
"""
"""Whoever had it has the correction by now: offered again, it would come after that.

So the whole message is kept no longer than somebody is not done with it.
"""


def taken_back(codec: Codec, outbox: Outbox, original: bytes) -> dict[str, object]:
    """Return what the statement names, from a correction as the outbox has it."""
    correction = read(codec.submission_from(original))
    if not isinstance(correction, CorrectionMessage):
        message = "this is not a correction"
        raise TypeError(message)
    return {
        "corrects": correction.corrects,
        "case_ref": outbox.case,
        "fields": list(correction.fields),
    }
