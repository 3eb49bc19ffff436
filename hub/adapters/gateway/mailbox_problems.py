"""What the mailbox answers when it does not do what was asked; part of the catalogue of problems."""

from __future__ import annotations

from hub.adapters.gateway.problem import Problem

MAILBOX_PROBLEMS = (
    Problem(
        code="delivery-expired",
        status=410,
        title="The delivery has expired",
        meaning="It waited for this organisation for as long as a delivery may, and nobody took it. Its "
        "sender has been told.",
        fix="Ask the sender; acknowledge what comes next in time.",
        retryable=False,
    ),
    Problem(
        code="delivery-refused",
        status=410,
        title="The delivery was refused",
        meaning="This organisation said that it will not have this delivery; it is handed out no more.",
        fix="Ask the sender, if it was refused in error.",
        retryable=False,
    ),
    Problem(
        code="ack-digest-mismatch",
        status=422,
        title="The digest is not that of the delivery",
        meaning="An acknowledgement names the SHA-256 of the framed bytes received; this one names others.",
        fix="Fetch the delivery again and acknowledge with the digest it carries.",
        retryable=False,
    ),
)
