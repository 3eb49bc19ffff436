"""What people do with a delivery, said to the mailbox, becomes a receipt that goes through the intake.

A named role has read it (L4), or the recipient will not have it. Both are receipts on the case like any other
posted to /v1/receipts, so the router takes them by the same rules; they only need not name case and time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.database.handing_over import Channel, Happened, Said
from hub.adapters.gateway.identity import may_send
from hub.adapters.gateway.intake import Post
from hub.adapters.gateway.mailbox import is_digest, plausible
from hub.adapters.gateway.problems import ProblemError
from hub.consent.partner_contracts import newest_version
from hub.errors import Fault
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef
from hub.messages.receipt import ReceiptLevel
from hub.topics.values import instant_to_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.adapters.gateway.agreements import Agreements
    from hub.adapters.gateway.idempotency import Answer
    from hub.adapters.gateway.intake import Intake
    from hub.adapters.gateway.mailbox import Mailbox
    from hub.adapters.gateway.mailbox_store import SeenRow
    from hub.consent.parties import Organisation
    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.identifiers import Instant
    from hub.topics.pairwise import Pairwise

ROUTE = "/v1/mailbox/messages/status"
"""Keeps the keys the mailbox makes apart from those of whoever posts to /v1/receipts."""
_SAID_AS = {
    "/author_role": "/role",
    "/data/by_role": "/role",
    "/author": "/person",
    "/data/by_person": "/person",
    "/data/reason": "/reason",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """Takes what recipients say of their deliveries."""

    mailbox: Mailbox
    intake: Intake
    agreements: Agreements
    pairwise: Pairwise
    now: Callable[[], Instant]

    async def read(
        self, organisation: Organisation, delivery: str, document: dict[str, object]
    ) -> tuple[Post, Answer]:
        """Take that a role, perhaps a named person, has read a delivery.

        Raises:
            ProblemError: it may not send receipts, has no such delivery, or names no role.

        """
        contract = await self._may_send(organisation)
        seen = await self.mailbox.seen(organisation.organisation, delivery)
        _only(document, required=("role",), optional=("person",))
        said = {"delivery": seen.delivery_id, "level": ReceiptLevel.READ.value, **document}
        post = self._post(
            organisation,
            contract,
            case=CaseRef(seen.case_ref),
            said=said,
            data={"by_role": document["role"], "by_person": document.get("person")},
            role=document["role"],
        )
        answer = await self._taken(post)
        read = self._said(organisation, answer, seen, Happened.READ, role=str(document["role"]))
        await self.mailbox.store.read(
            organisation=organisation.organisation, said=read, channel=Channel.MAILBOX
        )
        return post, answer

    async def refused(
        self, organisation: Organisation, delivery: str, document: dict[str, object]
    ) -> tuple[Post, Answer]:
        """Take that the recipient will not have a delivery, and why; it is listed and handed out no more.

        Raises:
            ProblemError: it may not send receipts, has no such delivery, has taken it, or gives no reason.

        """
        contract = await self._may_send(organisation)
        seen = await self.mailbox.seen(organisation.organisation, delivery, refused=True)
        if seen.taken and seen.state != "refused":
            code = "delivery-taken"
            raise ProblemError(code)
        _only(document, required=("reason",))
        said = {"delivery": seen.delivery_id, "level": ReceiptLevel.REFUSED.value, **document}
        post = self._post(
            organisation,
            contract,
            case=CaseRef(seen.case_ref),
            said=said,
            data={"by_role": seen.role, "reason": document["reason"]},
            role=seen.role,
        )
        answer = await self._taken(post)
        refused = self._said(organisation, answer, seen, Happened.REFUSED, role=seen.role)
        await self.mailbox.store.refuse(
            organisation=organisation.organisation, said=refused, channel=Channel.MAILBOX
        )
        return post, answer

    async def check_digest(self, organisation: Organisation, document: dict[str, object]) -> None:
        """Refuse a receipt that names another digest than the delivery its sender found has.

        Raises:
            ProblemError: it does (ack-digest-mismatch), or its sender may not send receipts.

        """
        may_send(organisation, MessageName.RECEIPT)
        said = document.get("data")
        delivery, digest = (said.get("delivery"), said.get("digest")) if isinstance(said, dict) else (0, 0)
        if not isinstance(delivery, str) or not isinstance(digest, str) or not is_digest(digest):
            return
        seen = await self.mailbox.store.seen(
            organisation=organisation.organisation, delivery=plausible(delivery)
        )
        if seen is not None and bytes(seen.digest).hex() != digest:
            code = "ack-digest-mismatch"
            raise ProblemError(code)

    async def _may_send(self, organisation: Organisation) -> PartnerContract | None:
        """Refuse who may not send receipts before anything is looked up: that tells of no delivery."""
        may_send(organisation, MessageName.RECEIPT)
        contract = await self.agreements.sending(organisation.organisation, MessageName.RECEIPT)
        self.agreements.check_sending(contract)
        return contract

    def _post(
        self,
        organisation: Organisation,
        contract: PartnerContract | None,
        *,
        case: CaseRef,
        said: dict[str, object],
        data: dict[str, object],
        role: object,
    ) -> Post:
        versions = self.agreements.library.versions(MessageName.RECEIPT)
        version = versions[-1] if contract is None else newest_version(contract, versions)
        now = instant_to_text(self.now())
        told = {name: value for name, value in data.items() if value is not None}
        document: dict[str, object] = {
            "contract": version or versions[-1],
            "case": self.pairwise.case(organisation.organisation, case),
            "occurred_at": now,
            "author": data.get("by_person") or organisation.organisation,
            "author_role": role,
            "statement": "fact",
            "data": {"delivery": said["delivery"], "level": said["level"], "at": now, **told},
        }
        return Post(
            organisation=organisation,
            message=MessageName.RECEIPT,
            route=ROUTE,
            idempotency_key=hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(),
            document=document,
            dry_run=False,
            contract=contract,
            said=said,
        )

    def _said(
        self, organisation: Organisation, answer: Answer, seen: SeenRow, happened: Happened, *, role: str
    ) -> Said:
        """Return what the projector will note of the receipt too, so that both note it once."""
        receipt = self.pairwise.message_from(organisation.organisation, str(answer.body["message"]))
        return Said(receipt=receipt, delivery=seen.delivery_id, happened=happened, role=role)

    async def _taken(self, post: Post) -> Answer:
        """Take the receipt; faults are told of what the caller sent, not of what was made from it."""
        try:
            return await self.intake.take(post)
        except ProblemError as error:
            faults = {_SAID_AS.get(fault.pointer, fault.pointer): fault for fault in error.faults}
            error.faults = tuple(
                Fault(pointer=pointer, rule=fault.rule, fix=fault.fix) for pointer, fault in faults.items()
            )
            raise


def _only(document: dict[str, object], *, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Refuse a body that lacks what is required, or has more than is known."""
    missing = [name for name in required if name not in document]
    unknown = sorted(document.keys() - {*required, *optional})
    faults = [
        *(Fault(pointer=f"/{name}", rule="required", fix=f"give {name}") for name in missing),
        # Named by place, not by name: a name is text from outside.
        *(
            Fault(pointer="", rule="unknown", fix=f"send {', '.join(required + optional)} only")
            for _ in unknown[:1]
        ),
    ]
    if faults:
        code = "payload-invalid"
        raise ProblemError(code, faults=tuple(faults))
