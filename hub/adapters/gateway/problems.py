"""Every way the gateway says no: one catalogue of problems, answered as RFC 9457 problem+json.

A problem names the rule and the remedy, never a value from the message, and never tells whether a
person, case or message exists (R-DEL-03). `docs/reference/problems.md` is written from this table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse

from hub.adapters import telemetry
from hub.adapters.gateway.endpoint_problems import ENDPOINT_PROBLEMS
from hub.adapters.gateway.mailbox_problems import MAILBOX_PROBLEMS
from hub.adapters.gateway.problem import Problem
from hub.errors import Fault, HubError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"
_HUBS_FAULT = 500
"""From this status on the fault is the hub's."""


class ProblemError(HubError):
    """Raised where a request is refused; the gateway turns it into its problem+json answer."""

    def __init__(
        self,
        code: str,
        *,
        faults: tuple[Fault, ...] = (),
        retry_after_s: int | None = None,
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Name the problem by its code; the rest says where, when to come back, and what would do."""
        self.problem = PROBLEMS[code]
        super().__init__(self.problem.title, fix=self.problem.fix)
        self.code = code
        self.faults = faults
        self.retry_after_s = retry_after_s
        self.members = dict(members or {})
        self.headers = dict(headers or {})

    def document(self) -> dict[str, object]:
        """Return the members of the problem+json document."""
        problem = self.problem
        document: dict[str, object] = {
            "type": problem.type,
            "title": problem.title,
            "status": problem.status,
            "code": problem.code,
            "detail": problem.fix,
            "retryable": problem.retryable,
        }
        if self.retry_after_s is not None:
            document["retry_after_s"] = self.retry_after_s
        if self.faults:
            document["errors"] = [
                {"pointer": fault.pointer, "rule": fault.rule, "fix": fault.fix} for fault in self.faults
            ]
        return document | self.members

    def response(self) -> JSONResponse:
        """Return the answer as it goes out; where the fault is the hub's, with the request's trace."""
        document, headers = self.document(), dict(self.headers)
        trace_id = telemetry.trace_id()
        if self.problem.status >= _HUBS_FAULT and trace_id is not None:
            document["trace_id"] = trace_id
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        return JSONResponse(document, status_code=self.problem.status, headers=headers, media_type=MEDIA_TYPE)


_ALL = (
    Problem(
        code="json-invalid",
        status=400,
        title="The body is not usable JSON",
        meaning=(
            "The body is not one JSON object in UTF-8, is nested too deeply, names a key twice, or holds a "
            "number or character that JSON readers do not agree on (NaN, a number beyond 64 bits, NUL, half"
            " a surrogate pair)."
        ),
        fix="Send one JSON object in UTF-8; mend what the errors name.",
        retryable=False,
    ),
    Problem(
        code="idempotency-missing",
        status=400,
        title="Idempotency-Key is missing",
        meaning=(
            "Every post needs an Idempotency-Key, so that a repeated request is recognised and taken once."
        ),
        fix="Send an Idempotency-Key header, new for each message and the same on every retry of it.",
        retryable=False,
    ),
    Problem(
        code="idempotency-invalid",
        status=400,
        title="Idempotency-Key cannot be used",
        meaning=(
            "The Idempotency-Key is empty, longer than 128 characters, or holds a character that does not "
            "belong in one."
        ),
        fix="Use 1 to 128 letters, digits and the characters - _ . : ~ + / =, for instance a UUID.",
        retryable=False,
    ),
    Problem(
        code="parameter-invalid",
        status=400,
        title="A query parameter or header cannot be used",
        meaning=(
            "A query parameter is not known at this address, is given twice or is outside its bounds, or a "
            "cursor is not one this mailbox gave for this listing; or a header that an address needs is not "
            "given, or not in its form."
        ),
        fix="Mend what errors names; start a listing without a cursor.",
        retryable=False,
    ),
    Problem(
        code="unauthenticated",
        status=401,
        title="No valid credential",
        meaning="The request carries no key, or one that is unknown or revoked.",
        fix="Send Authorization: Bearer with the key given when the organisation was added.",
        retryable=False,
    ),
    Problem(
        code="organisation-suspended",
        status=403,
        title="The organisation is suspended",
        meaning=(
            "The hub does not deal with this organisation at present: no message is taken from it, and its "
            "mailbox is shut."
        ),
        fix="Ask the hub's operator.",
        retryable=False,
    ),
    Problem(
        code="message-not-agreed",
        status=403,
        title="This organisation does not send this message type",
        meaning="What an organisation may send is agreed when it is added. This says nothing about any case.",
        fix="Send one of the types listed in agreed, or ask the hub's operator to add this one.",
        retryable=False,
    ),
    Problem(
        code="version-not-agreed",
        status=403,
        title="This organisation does not send this version",
        meaning="What an organisation may send is agreed by contract, version by version.",
        fix="Send one of the versions listed in versions, or agree the contract that follows.",
        retryable=False,
    ),
    Problem(
        code="contract-ended",
        status=410,
        title="The contract has ended",
        meaning="The contract by which this organisation sent this message has passed its sunset. It was "
        "announced by the headers Deprecation and Sunset of earlier answers.",
        fix="Agree the contract named in alternative with the hub's operator; GET /v1/contracts shows all.",
        retryable=False,
    ),
    Problem(
        code="not-found",
        status=404,
        title="Nothing here for you",
        meaning=(
            "There is no such thing for this organisation. Unknown, malformed, another's and never "
            "disclosed look the same."
        ),
        fix="Use an id the hub gave to this organisation; a case record is read in a role it holds there.",
        retryable=False,
    ),
    Problem(
        code="method-not-allowed",
        status=405,
        title="This address does not take that method",
        meaning="The address exists, the HTTP method does not belong to it.",
        fix="Use a method named in the Allow header; /openapi.json lists them all.",
        retryable=False,
    ),
    Problem(
        code="not-acceptable",
        status=406,
        title="That representation is not offered",
        meaning="A delivery can be had as application/json or application/avro.",
        fix="Send Accept: application/json or Accept: application/avro.",
        retryable=False,
    ),
    Problem(
        code="request-timeout",
        status=408,
        title="The body did not arrive in time",
        meaning="The body was not complete within the time allowed; nothing was taken.",
        fix="Send the request again with the same Idempotency-Key.",
        retryable=True,
    ),
    Problem(
        code="idempotency-outstanding",
        status=409,
        title="The first request with this key is still being handled",
        meaning="Another request with the same Idempotency-Key has not been answered yet.",
        fix="Wait as long as Retry-After says, then send the same request again.",
        retryable=True,
    ),
    *ENDPOINT_PROBLEMS,
    Problem(
        code="content-erased",
        status=410,
        title="The content has been erased",
        meaning=(
            "This organisation's delivery exists, but the person's data were erased; the bytes cannot be "
            "read by anyone."
        ),
        fix="Erase your own copy if you hold one.",
        retryable=False,
    ),
    Problem(
        code="body-too-large",
        status=413,
        title="The body is too large",
        meaning="The body is larger than the limit, which is named in limit_bytes.",
        fix="Shorten the message; texts have their own limits in the contract.",
        retryable=False,
    ),
    Problem(
        code="content-type-unsupported",
        status=415,
        title="The body's content type is not taken",
        meaning="Only application/json in UTF-8 without content coding (no gzip) is taken.",
        fix="Send Content-Type: application/json and no Content-Encoding.",
        retryable=False,
    ),
    Problem(
        code="payload-invalid",
        status=422,
        title="The message breaks its contract",
        meaning=(
            "One or more fields break the message's contract. All faults found are listed at once; nothing "
            "was taken."
        ),
        fix="Mend every field named in errors and send again; the same Idempotency-Key may be used.",
        retryable=False,
    ),
    Problem(
        code="contract-unknown",
        status=422,
        title="The contract version is not known",
        meaning="The hub has no such version of this message's contract, or takes it no longer.",
        fix="Use one of the versions listed in versions.",
        retryable=False,
    ),
    Problem(
        code="idempotency-mismatch",
        status=422,
        title="This Idempotency-Key belongs to another message",
        meaning="The key was used before, on the same address, with a different body.",
        fix="Use a new Idempotency-Key for a new message.",
        retryable=False,
    ),
    *MAILBOX_PROBLEMS,
    Problem(
        code="too-many-streams",
        status=429,
        title="This organisation follows its mailbox too often at once",
        meaning="An organisation may have a bounded number of event streams open, and has them open.",
        fix="Close one, or try again after the time in Retry-After.",
        retryable=True,
    ),
    Problem(
        code="internal",
        status=500,
        title="The hub failed",
        meaning=(
            "Something went wrong in the hub; the operator's log has it under the trace_id, without the "
            "message's content."
        ),
        fix=(
            "Send the same request again with the same Idempotency-Key; if it persists, tell the operator the"
            " trace_id."
        ),
        retryable=True,
    ),
    Problem(
        code="log-unavailable",
        status=503,
        title="The message could not be stored",
        meaning="Kafka did not confirm the message in time, so it is not accepted.",
        fix=(
            "Send the same request again with the same Idempotency-Key; it is taken once, whatever became "
            "of the first."
        ),
        retryable=True,
    ),
    Problem(
        code="database-unavailable",
        status=503,
        title="The database does not answer",
        meaning="The hub cannot reach its database; a post may or may not have been taken.",
        fix="Send the same request again with the same Idempotency-Key; it is taken once.",
        retryable=True,
    ),
    Problem(
        code="not-caught-up",
        status=503,
        title="The hub has not caught up yet",
        meaning=(
            "What may be handed over is being decided at this moment; until it is recorded, nothing is "
            "handed over."
        ),
        fix="Send the same request again after the time in Retry-After.",
        retryable=True,
    ),
    Problem(
        code="organisation-pending",
        status=503,
        title="The organisation is not in force yet",
        meaning=(
            "The credential is good, but the record that describes the organisation has not passed every "
            "partition yet."
        ),
        fix="Try again in a few seconds; ask the hub's operator if it lasts.",
        retryable=True,
    ),
    Problem(
        code="timed-out",
        status=503,
        title="The hub took too long",
        meaning=(
            "The request was not finished in the time the hub gives one; a post may or may not have been "
            "taken."
        ),
        fix="Send the same request again with the same Idempotency-Key; it is taken once.",
        retryable=True,
    ),
    Problem(
        code="rate-limited",
        status=429,
        title="Too many requests of one organisation",
        meaning="The organisation sends more requests in a second, or has more under way, than it may.",
        fix="Send the same request again after the time in Retry-After, and fewer at once.",
        retryable=True,
    ),
    Problem(
        code="quota-exceeded",
        status=429,
        title="Too many messages today",
        meaning="The organisation has sent as many messages as it may in a day. Risk changes, prison events, "
        "consents and corrections are taken all the same.",
        fix="Send the same message again, with its idempotency key, after the time in Retry-After, or ask "
        "whoever runs the hub for more.",
        retryable=True,
    ),
    Problem(
        code="overloaded",
        status=503,
        title="Too many requests at once",
        meaning="The gateway handles a bounded number of requests at a time and is at its bound.",
        fix="Send the same request again after the time in Retry-After.",
        retryable=True,
    ),
)

PROBLEMS: Mapping[str, Problem] = {problem.code: problem for problem in _ALL}
"""The catalogue by code."""


def reference() -> str:
    """Return the reference page of all problems, in Markdown."""
    lines = [
        "# Problems",
        "",
        "What the gateway answers when it does not do what was asked: `application/problem+json` (RFC 9457)",
        "with `type`, `title`, `status`, `code`, `detail`, `retryable`, sometimes `retry_after_s`, and",
        "`errors` where fields are at fault: each a JSON pointer (RFC 6901), the rule it breaks and the",
        "remedy. Where the fault is the hub's (5xx), `trace_id` names the request as the operator's log has",
        "it. No answer repeats a value from the message. This page is written from",
        "`hub/adapters/gateway/problems.py`; the gateway serves each entry at its `type`.",
        "",
    ]
    for problem in sorted(_ALL, key=lambda each: (each.status, each.code)):
        lines += [
            f"## {problem.code}",
            "",
            f"{problem.status} · {problem.title}.",
            "",
            f"- **Meaning.** {problem.meaning}",
            f"- **Fix.** {problem.fix}",
            f"- **Retryable.** {'Yes' if problem.retryable else 'No'}.",
            "",
        ]
    return "\n".join(lines)
