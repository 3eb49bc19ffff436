"""The request to decide again, and its verdicts, as records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.consent.decision import Candidate, Concern
from hub.messages.envelope import Redecide, Role, Uncollected, Undelivered, Unreadable
from hub.messages.identifiers import DeliveryId, Instant, MessageId, OrganisationId
from hub.routing.outcome import Grounds, Settled, Verdict
from hub.topics.codec import Codec
from hub.topics.delivery_box import open_grounds, seal_grounds
from hub.topics.dispatch import Dispatch, Outbox, Verdicted
from hub.topics.evidence import Evidence
from tests.faults import world
from tests.unit.test_codec import CASE, full_case

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = MessageId("a" * 32)
DELIVERY = DeliveryId("b" * 32)


@pytest.fixture
def codec(tmp_path: Path) -> Codec:
    """A codec with keys of its own."""
    return world.codec_in(tmp_path)


def undelivered(**changes: object) -> Undelivered:
    """One delivery to be decided again."""
    usual: dict[str, object] = {
        "delivery_id": DELIVERY,
        "organisation": OrganisationId("recovery"),
        "role": Role.KEY_WORKER,
        "persons": frozenset({"kw-1", "kw-2"}),
        "concern": "referred",
        "relevant": None,
        "about": "ref-1",
        "outcomes": (("note", "all", "withhold"), ("objectives[].title", "theirs", "disclose")),
        "caveats": ("NO-ONWARD-DISCLOSURE",),
        "contract": "1.0",
        "items_held": ("objective-1",),
        "part": b"{}",
    }
    return Undelivered(**{**usual, **changes})  # type: ignore[arg-type]


def entry_of(codec: Codec, value: bytes) -> object:
    """Read a record of the intake."""
    return codec.entry(value, key=CASE.encode(), record_id=REQUEST)


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("uncollected", [None, *Uncollected])
def test_a_request_is_the_same_when_written_and_read(codec: Codec, uncollected: Uncollected | None) -> None:
    """Whether something is to be decided again, or only to be reported."""
    codec.case(full_case())
    submission = codec.submission_from(codec.envelope_bytes(world.message(CASE, 3)))
    asked = Redecide(
        request_id=REQUEST,
        submission=submission,
        deliveries=(undelivered(), undelivered(relevant=True, about=None, part=None, contract=None)),
        uncollected=uncollected,
    )
    encoded = codec.redecide(asked, original=codec.envelope_bytes(submission))
    assert encoded.key == CASE.encode()
    assert entry_of(codec, encoded.value) == asked


@pytest.mark.requirement("R-AUD-04")
def test_a_request_says_nothing_once_the_key_of_its_person_is_erased(codec: Codec) -> None:
    """It is sealed like the message itself: the record stands in the log for ever."""
    codec.case(full_case())
    submission = world.message(CASE, 3)
    asked = Redecide(request_id=REQUEST, submission=submission, deliveries=(undelivered(),))
    encoded = codec.redecide(asked, original=codec.envelope_bytes(submission))
    for said in (b"kw-1", b"objective-1", b"ref-1"):
        assert said not in encoded.value
    codec.keys.erase(f"case-{CASE}")  # type: ignore[attr-defined]
    found = entry_of(codec, encoded.value)
    assert isinstance(found, Unreadable)
    assert found.code == "KEY-ERASED"


def test_a_message_written_once_is_not_written_anew_to_be_kept(codec: Codec) -> None:
    """The payload as it stood in the log is taken as it is, and reads alike."""
    submission = world.message(CASE, 3)
    kept = codec.envelope_bytes(submission)
    read = codec.submission_from(kept)
    assert read.written is not None
    assert codec.envelope_bytes(read) == kept
    assert {name: value for name, value in read.payload.items() if value is not None} == submission.payload


@pytest.mark.requirement("R-DIS-05")
def test_an_outbox_record_holds_grounds_original_and_verdicts(codec: Codec) -> None:
    dispatch, submission = Dispatch(codec), world.message(CASE, 4)
    made = world._delivery(submission, world.RECIPIENTS[0], "4/4")
    grounds = Grounds(
        decision_id="c" * 32,
        candidate=Candidate(
            organisation=made.organisation,
            role=made.role,
            persons=frozenset({"kw-1"}),
            concern=Concern.TEAM,
            relevant=None,
        ),
        about="ref-1",
        items_held=("objective-1",),
        turn=7,
        until=Instant(9),
        part=full_case(),
        replaces=DELIVERY,
    )
    outbox = Outbox(
        message_id=submission.envelope.message_id,
        case=CASE,
        message=submission.envelope.message,
        decided_at=Instant(6),
        partition=3,
        offset=7,
        views=(dispatch.view(replace(made, grounds=grounds)),),
        original=codec.envelope_bytes(submission),
        settled=(
            Verdicted(
                delivery_id=DELIVERY, verdict=Verdict.REPLACE, decision_id="c" * 32, turn=7, until=None
            ),
        ),
    )
    encoded = dispatch.outbox(outbox)
    assert dispatch.outbox_from(encoded.value, key=encoded.key) == outbox
    sealed = seal_grounds(
        codec.sealer, grounds, said={"organisation": "x"}, delivery_id=DELIVERY, key_id=f"case-{CASE}"
    )
    opened = open_grounds(codec.sealer, sealed, delivery_id=DELIVERY)
    assert (opened["about"], opened["said"]) == ("ref-1", {"organisation": "x"})


@pytest.mark.requirement("R-DIS-09")
def test_a_decision_made_again_says_on_which_delivery_and_with_which_verdict(codec: Codec) -> None:
    decision = world._decision(world.message(CASE, 1), world.RECIPIENTS[0], Instant(5))
    settled = Settled(delivery_id=DELIVERY, verdict=Verdict.STOP, decision=decision, turn=1, until=None)
    evidence = Evidence(codec)
    encoded = evidence.ledger(decision, delivery_id=None, partition=0, offset=1, settled=settled)
    entered = evidence.ledger_from(encoded.value)
    assert (entered.again, entered.verdict, entered.delivery_id) == (DELIVERY, Verdict.STOP, None)
