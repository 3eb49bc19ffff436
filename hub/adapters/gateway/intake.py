"""From a post to a record of the log: checked, named, taken once, and answered 202 only when Kafka has it.

Faults of form are named at the door. Whether a case exists, and whether the sender is entitled on it,
is not told here: a reference that leads nowhere goes the same way as one that does, and the router
refuses it where only staff can read why (R-DIS-01).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hub.adapters import telemetry
from hub.adapters.gateway.idempotency import Answer, Attempt, OnceOnly
from hub.adapters.gateway.identity import may_send
from hub.adapters.gateway.mailbox import KEY_ERASED
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.rates import ALWAYS_TAKEN
from hub.errors import Fault, InvalidBody, NotReadable, Unreachable
from hub.messages.envelope import MessageName, Submission
from hub.topics.bodies import check_submission
from hub.topics.keys import case_key
from hub.topics.pairwise import Pairwise, message_id
from hub.topics.references import Origin, References, opens_a_case
from hub.topics.strict_json import canonical_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hub.adapters.gateway.agreements import Agreements
    from hub.adapters.gateway.limits import GatewayLimits
    from hub.consent.parties import Organisation
    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.identifiers import CaseRef, Instant
    from hub.topics.library import SchemaLibrary
    from hub.topics.sealing import Keys


class IntakeLog(Protocol):
    """hub.intake, as whoever takes messages in needs it."""

    async def publish(self, submission: Submission) -> object:
        """Write the message and return when every in-sync replica has it (acks=all).

        It is sealed under its person's key where there is one, otherwise under its sender's: a case
        reference that leads nowhere must not make a key. Appending a message again is safe, the
        router takes an id once.

        Raises:
            Unreachable: Kafka did not confirm it; whether it was written is not known.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post, as it came in."""

    organisation: Organisation
    message: MessageName
    route: str
    idempotency_key: str
    document: dict[str, object]
    dry_run: bool
    contract: PartnerContract | None
    """What the organisation sends it by."""
    said: dict[str, object] | None = None
    """What the caller said, where the hub made the document from it: by this a repeat is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes posts in."""

    log: IntakeLog
    once_only: OnceOnly
    library: SchemaLibrary
    pairwise: Pairwise
    keys: Keys
    agreements: Agreements
    limits: GatewayLimits
    now: Callable[[], Instant]

    async def take(self, post: Post) -> Answer:
        """Return what the post is answered; for a dry run, what it would be answered.

        Raises:
            ProblemError: it is refused, or the log or its first attempt cannot be waited for.

        """
        organisation = post.organisation.organisation
        attempt = Attempt(
            organisation=organisation,
            route=post.route,
            message_id=message_id(
                self.keys,
                organisation=organisation,
                route=post.route,
                idempotency_key=post.idempotency_key,
            ),
            digest=canonical_digest(post.document if post.said is None else post.said),
            counts=post.message not in ALWAYS_TAKEN,
        )
        try:
            may_send(post.organisation, post.message)
            self.agreements.check_sending(post.contract)
            submission, opens = self._submission(post, attempt)
        except ProblemError:
            # What was taken once stays taken, though contracts or agreements have changed since.
            answered = await self.once_only.replay(attempt)
            if answered is None:
                raise
            return answered
        answer = self._answer(submission, opens=opens)
        if post.dry_run:
            return await self.once_only.foresee(attempt, answer=answer)

        async def append() -> None:
            """Make the person's key before what it seals is written."""
            if opens:
                await asyncio.to_thread(self._make_key, submission.envelope.case)
            await self._append(submission)

        return await self.once_only.run(attempt, answer=answer, append=append)

    def _make_key(self, case: CaseRef) -> None:
        """Make a case's key, unless it was erased: a late repeat of what opened the case brings none back."""
        try:
            self.keys.get_or_create(case_key(case))
        except NotReadable as error:
            if error.code != KEY_ERASED:
                raise

    async def _append(self, submission: Submission) -> None:
        try:
            async with asyncio.timeout(self.limits.append_timeout_s):
                await self.log.publish(submission)
        except (Unreachable, TimeoutError):
            code = "log-unavailable"
            telemetry.count("hub.gateway.log_unavailable", hub_message=submission.envelope.message.value)
            raise ProblemError(code, retry_after_s=self.limits.retry_after_s) from None

    def _submission(self, post: Post, attempt: Attempt) -> tuple[Submission, bool]:
        """Return the message as the log holds it, and whether it opens a case."""
        references = References(self.pairwise, self.keys, attempt.organisation)
        try:
            checked = check_submission(self.library, post.message, post.document)
        except NotReadable:
            raise self._contract_unknown(post.message) from None
        except InvalidBody as error:
            faults = error.faults + _envelope_faults(post.document, references, known=error.faults)
            code = "payload-invalid"
            raise ProblemError(code, faults=faults) from None
        faults = references.faults(checked)
        if faults:
            code = "payload-invalid"
            raise ProblemError(code, faults=faults)
        self.agreements.check_sending(post.contract, checked.contract.version)
        origin = Origin(
            message_id=attempt.message_id,
            organisation=attempt.organisation,
            digest=attempt.digest,
            recorded_at=self.now(),
        )
        payload = references.in_payload(checked.payload, checked.contract)
        envelope = references.envelope(checked, origin)
        return Submission(envelope=envelope, payload=payload), opens_a_case(checked)

    def _contract_unknown(self, message: MessageName) -> ProblemError:
        fault = Fault(pointer="/contract", rule="known-version", fix="name a version listed in versions")
        versions = list(self.library.versions(message))
        return ProblemError("contract-unknown", faults=(fault,), members={"versions": versions})

    def _answer(self, submission: Submission, *, opens: bool) -> dict[str, object]:
        envelope = submission.envelope
        reference = self.pairwise.message(envelope.organisation, envelope.message_id)
        answer: dict[str, object] = {
            "message": reference,
            "type": envelope.message.value,
            "contract": envelope.contract,
            "state": "accepted",
            "status_url": f"/v1/messages/{reference}",
        }
        if opens:
            answer["case"] = self.pairwise.case(envelope.organisation, envelope.case)
        return answer


def _envelope_faults(
    document: Mapping[str, object], references: References, *, known: tuple[Fault, ...]
) -> tuple[Fault, ...]:
    """Return the faults of references beside those of form, so that all are mended in one go."""
    found = []
    for name, read in (("causation", references.message), ("correlation", references.correlation)):
        reference, pointer = document.get(name), f"/{name}"
        if not isinstance(reference, str) or any(fault.pointer == pointer for fault in known):
            continue
        try:
            read(reference)
        except NotReadable:
            fix = "send a reference the hub gave to this organisation"
            found.append(Fault(pointer=pointer, rule="reference", fix=fix))
    return tuple(found)
