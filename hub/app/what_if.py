"""What if: a message decided before, or one nobody has sent, put to the router with something otherwise.

Asked through `hub.app.questions`, which records the question before anything is answered.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from hub.adapters.kafka.read_back import Place
from hub.adapters.kafka.replay import world_before
from hub.adapters.ledger import past
from hub.consent.parties import not_among
from hub.errors import NotReadable, WrongArgument
from hub.messages.envelope import MessageName, Submission, Unreadable
from hub.messages.identifiers import CaseRef, Instant, OrganisationId
from hub.routing.route import route
from hub.routing.supposing import supposition
from hub.routing.whatif import WhatIf, what_if
from hub.topics.bodies import check_submission
from hub.topics.pairwise import message_id
from hub.topics.references import Origin, References

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hub.app.questions import Questions
    from hub.consent.compile import Policy
    from hub.messages.envelope import Entry
    from hub.routing.outcome import Result
    from hub.routing.supposing import Supposition
    from hub.topics.evidence import Entered
    from hub.topics.tables import RouterView

MESSAGE = "--message-id"
"""The argument that names a message decided before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A message nobody has sent: its body as it would be posted, by whom, on which case."""

    document: Mapping[str, object]
    message: MessageName
    organisation: str
    case: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What a message caused or would cause, and what it would cause were something otherwise."""

    entry: Entry
    found: WhatIf
    suppositions: tuple[str, ...]
    """In words."""
    policy: str | None
    """Name of the rules in force as things are."""
    as_recorded: bool | None
    """Whether what it causes as things are is what the ledger says it caused; None: it has no part there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A message, the world it is routed in, and the moment."""

    entry: Entry
    view: RouterView
    now: Instant

    def answered(self, supposed: Sequence[Supposition], policy: Policy | None) -> WhatIf:
        """Route it as things are and as supposed, as if it came for the first time."""
        entry = self.entry
        unseen = {entry.envelope.message_id} if isinstance(entry, Submission) else set()
        return what_if(entry, self.view, supposed, now=self.now, policy=policy, unseen=frozenset(unseen))

    @property
    def rules(self) -> str | None:
        """Name of the rules in force as things are."""
        rules = self.view.policy()
        return None if rules is None else rules.name


async def what_if_past(
    asked: Questions,
    reference: str,
    suppositions: Sequence[str],
    *,
    policy: Policy | None = None,
    today: bool = False,
) -> Supposed:
    """Ask of a message decided before: in the world of its moment, or `today` as things are now.

    Raises:
        WrongArgument: The message was never decided, or a supposition is not one.
        NotReadable: It can no longer be read: the key of its case is erased.
    """
    supposed = tuple(map(supposition, suppositions))
    message = await asked.internal(reference, "message", argument=MESSAGE)
    codec = asked.hub.codec
    async with asked.hub.pool.connection() as connection:
        caused = await past.record_of(connection, message)
        if caused is None:
            text = f"no decision on the message {reference} is recorded"
            raise WrongArgument(
                MESSAGE,
                text,
                fix="see `python3 -m hub ledger list` for messages decided, `quarantine list` for others",
            )
        await asked.record("what-if", caused.case, message=message, supposed=_kinds(suppositions))
        place = Place(partition=caused.partition, offset=caused.offset)
        recorded = await past.decisions_of(
            connection, partition=place.partition, offset=place.offset, codec=codec
        )
    again = await _as_now(asked, place, caused.case) if today else await _as_then(asked, place, caused.case)
    found = await asked.answered(again.view, lambda: again.answered(supposed, policy))
    return Supposed(
        entry=again.entry,
        found=found,
        suppositions=tuple(each.says for each in supposed),
        policy=again.rules,
        as_recorded=None if today else _as_recorded(found.as_is, recorded),
    )


async def what_if_new(
    asked: Questions,
    posted: Posted,
    suppositions: Sequence[str],
    *,
    policy: Policy | None = None,
) -> Supposed:
    """Ask of a message nobody has sent, in the world as it is now.

    Raises:
        WrongArgument: Organisation, case or supposition is not one.
        InvalidBody: The body does not keep to its contract.
    """
    supposed = tuple(map(supposition, suppositions))
    now = Instant(time.time_ns() // 1_000_000)
    entry = await _written(asked, posted, now)
    await asked.record(
        "what-if", entry.envelope.case, message=posted.message.value, supposed=_kinds(suppositions)
    )
    async with asked.hub.pool.connection() as connection:
        view = await past.world_now(
            connection, codec=asked.hub.codec, cases=[entry.envelope.case], messages=_named_in(entry)
        )
    if view.organisation(OrganisationId(posted.organisation)) is None:
        known = [str(each.organisation) for each in view.organisations()]
        raise not_among(
            "--from", posted.organisation, "organisation", known, fix="see `python3 -m hub partner list`"
        )
    new = _Asked(entry=entry, view=view, now=now)
    return Supposed(
        entry=entry,
        found=await asked.answered(view, lambda: new.answered(supposed, policy)),
        suppositions=tuple(each.says for each in supposed),
        policy=new.rules,
        as_recorded=None,
    )


async def _written(asked: Questions, posted: Posted, now: Instant) -> Submission:
    """Write the message as it would stand in the log."""
    sender, codec = OrganisationId(posted.organisation), asked.hub.codec
    body = dict(posted.document)
    if posted.case is not None:
        ref = CaseRef(await asked.internal(posted.case, "case", argument="--case"))
        body["case"] = codec.pairwise.case(sender, ref)
    checked = check_submission(codec.library, posted.message, body)
    references = References(codec.pairwise, codec.keys, sender)
    digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    origin = Origin(
        message_id=message_id(
            codec.keys, organisation=sender, route=f"whatif/{posted.message}", idempotency_key=digest
        ),
        organisation=sender,
        digest=digest,
        recorded_at=now,
    )
    written = Submission(
        envelope=references.envelope(checked, origin),
        payload=references.in_payload(checked.payload, checked.contract),
    )
    return codec.submission_from(codec.envelope_bytes(written))


async def _as_then(asked: Questions, place: Place, case: CaseRef) -> _Asked:
    """Make the world of a message's moment again from the log of its case."""
    before = await world_before(
        asked.hub.bootstrap,
        asked.hub.catalogue.intake,
        place,
        case=case,
        codec=asked.hub.codec,
        route=route,
        limits=asked.limits,
    )
    return _Asked(entry=_readable(before.entry), view=before.view, now=before.now)


async def _as_now(asked: Questions, place: Place, case: CaseRef) -> _Asked:
    """Take the world as it is."""
    entry, now = await asked.read_back(place), Instant(time.time_ns() // 1_000_000)
    async with asked.hub.pool.connection() as connection:
        view = await past.world_now(
            connection, codec=asked.hub.codec, cases=[case], messages=_named_in(entry)
        )
    return _Asked(entry=_readable(entry), view=view, now=now)


def _kinds(suppositions: Iterable[str]) -> list[str]:
    """Return what is supposed, without to what: a log holds no value."""
    return [each.partition("=")[0] for each in suppositions]


def _readable(entry: Entry) -> Entry:
    if isinstance(entry, Unreadable):
        raise NotReadable(entry.code, "the message can no longer be read", fix="its key may be erased")
    return entry


def _named_in(entry: Entry) -> tuple[str, ...]:
    """Return the messages a message names, of which routing may ask who sent them."""
    corrects = entry.payload.get("corrects") if isinstance(entry, Submission) else None
    return (corrects,) if isinstance(corrects, str) else ()


def _as_recorded(result: Result, recorded: Iterable[Entered]) -> bool:
    """Tell whether decisions are those of the ledger, field by field."""
    said = {each.decision.decision_id: each.decision for each in recorded}
    made = {each.decision_id: each for each in result.decisions}
    return said.keys() == made.keys() and all(
        (one.delivers, one.gate, one.fields, one.policy, one.case_version)
        == (other.delivers, other.gate, other.fields, other.policy, other.case_version)
        for one, other in ((said[name], made[name]) for name in said)
    )
