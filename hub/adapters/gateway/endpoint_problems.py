"""What is answered about an organisation's endpoints when it is not done; part of the catalogue."""

from __future__ import annotations

from hub.adapters.gateway.problem import Problem

ENDPOINT_PROBLEMS = (
    Problem(
        code="endpoint-state",
        status=409,
        title="The endpoint does not stand so",
        meaning=(
            "What was asked cannot be done with the endpoint as it stands: it has not proved itself yet, or "
            "the hub's operator has paused it."
        ),
        fix="GET /v1/endpoints shows its state; verify it first, or ask the hub's operator.",
        retryable=False,
    ),
    Problem(
        code="endpoint-unproved",
        status=409,
        title="The endpoint did not prove itself",
        meaning="It was sent a signed handshake and did not answer 2xx with the challenge in its body.",
        fix="Have it answer the type hub.endpoint.verification with data.challenge, then ask again.",
        retryable=False,
    ),
    Problem(
        code="endpoint-busy",
        status=409,
        title="The endpoint has just been asked for this",
        meaning="A handshake, or a new secret, was asked for a moment ago.",
        fix="Send the same request again after the time in Retry-After.",
        retryable=True,
    ),
)
"""By what they are about, in their order."""
