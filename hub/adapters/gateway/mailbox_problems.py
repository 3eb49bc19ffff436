"""What the mailbox answers when it does not do what was asked; part of the catalogue of problems."""

from __future__ import annotations

from hub.adapters.gateway.problem import Problem

MAILBOX_PROBLEMS = (
    Problem(
        code="delivery-expired",
        status=410,
        title="The delivery has expired",
        meaning="It waited for this organisation for as long as a delivery may, and nobody took it. Who "
        "attends to the case has been told.",
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
        code="delivery-taken",
        status=409,
        title="The delivery was taken already",
        meaning="This organisation has acknowledged the delivery, or said that somebody has read it or acted "
        "on it; such a delivery is refused no more. One that was only fetched still may be.",
        fix="Tell its sender what is wrong with it by a message of your own.",
        retryable=False,
    ),
    Problem(
        code="redelivered-too-often",
        status=409,
        title="The delivery has been offered again too often",
        meaning="An organisation may have one delivery offered again 20 times, and has.",
        fix="Ask those who run the hub to offer it once more, and mend what loses it.",
        retryable=False,
    ),
    Problem(
        code="delivery-forgotten",
        status=410,
        title="The delivery cannot be had again",
        meaning="This organisation was done with it longer ago than the hub keeps a message for that "
        "(14 days, unless the operator chose otherwise), or its content is gone.",
        fix="Have its sender send it again: it is then decided by today's rules.",
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
    Problem(
        code="ack-key-unknown",
        status=422,
        title="The signature names no key of this organisation",
        meaning="An acknowledgement is signed with a key whose thumbprint the hub does not have, or has no "
        "more, for this organisation. It was not taken.",
        fix="Name a key that is registered by its thumbprint (RFC 7638), or have yours registered.",
        retryable=False,
    ),
    Problem(
        code="ack-signature-invalid",
        status=422,
        title="The signature does not hold",
        meaning="The JWS of an acknowledgement has another header or algorithm than it may have, is of "
        "another time, or does not verify over delivery, digest and time. It was not taken.",
        fix="Sign as the how-to on signed acknowledgements shows; or acknowledge without a signature.",
        retryable=False,
    ),
    Problem(
        code="mesh-recipient-unknown",
        status=417,
        title="By MESH, messages go to the hub",
        meaning="Mex-To names a mailbox other than HUB. Who gets a message, the hub decides.",
        fix="Send Mex-To: HUB.",
        retryable=False,
    ),
    Problem(
        code="mesh-workflow-unknown",
        status=417,
        title="The workflow id is not known",
        meaning="Mex-WorkflowID names no message type of the hub.",
        fix="Send HUB_ and the message type, e.g. HUB_PROGRESS or HUB_RISK_CHANGE.",
        retryable=False,
    ),
    Problem(
        code="mesh-chunk-invalid",
        status=417,
        title="The parts do not belong together",
        meaning="Mex-Chunk-Range says of another part than the address, of too many parts, or of another "
        "number of parts than before; or the last part came while one was missing.",
        fix="Send the parts in order, each with its number and how many there are, at most 100.",
        retryable=False,
    ),
    Problem(
        code="mesh-not-downloaded",
        status=417,
        title="The delivery has not been downloaded",
        meaning="MESH acknowledges without a digest, so only what was handed out before counts as received.",
        fix="Download the delivery, then acknowledge it.",
        retryable=False,
    ),
)
