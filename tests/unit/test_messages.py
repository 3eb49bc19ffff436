"""Messages: a payload becomes the dataclass of its message, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import NotReadable
from hub.messages.case import CaseAction, CaseMessage, Jurisdiction
from hub.messages.consent import ConsentMessage
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement, Submission
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.messages.plan import PlanMessage
from hub.messages.progress import ProgressMessage
from hub.messages.read import BODIES, Body, payload_name, read
from hub.messages.referral import ReferralAction, ReferralMessage
from hub.messages.vocabulary import Need, ServiceCategory


def said(message: MessageName, payload: dict[str, Any]) -> Body:
    """Read a payload as the log would hold it."""
    envelope = Envelope(
        message_id=MessageId("0" * 32),
        message=message,
        contract="1.0",
        case=CaseRef("1" * 32),
        organisation=OrganisationId("harbour-homes"),
        author="kw-rowan",
        author_role=Role.KEY_WORKER,
        statement=Statement.FACT,
        occurred_at=Instant(0),
        recorded_at=Instant(0),
        correlation="2" * 32,
        causation=None,
        digest="3" * 64,
    )
    return read(Submission(envelope=envelope, payload=payload))


@pytest.mark.requirement("R-MSG-13")
def test_case_reads_its_choices_as_enumerations() -> None:
    """What the payload holds as text is a closed word in the model."""
    body = said(
        MessageName.CASE, {"action": "OPENED", "jurisdiction": "SCOTLAND", "tier": 4, "aliases": ["Elder"]}
    )
    assert body == CaseMessage(
        action=CaseAction.OPENED, jurisdiction=Jurisdiction.SCOTLAND, tier=4, aliases=("Elder",)
    )


@pytest.mark.requirement("R-MSG-01")
def test_referral_without_needs_has_none_of_them() -> None:
    """A list left out, and one left empty, are an empty tuple."""
    body = said(
        MessageName.REFERRAL, {"referral": "r", "action": "OFFER", "needs": None, "desired_outcomes": []}
    )
    assert body == ReferralMessage(referral="r", action=ReferralAction.OFFER)


@pytest.mark.requirement("R-MSG-02")
def test_progress_names_the_services_it_affects() -> None:
    """The list routing looks at is a tuple of service categories."""
    body = said(MessageName.PROGRESS, {"referral": "r", "kind": "CONCERN", "affects": ["ACCOMMODATION"]})
    assert isinstance(body, ProgressMessage)
    assert body.affects == (ServiceCategory.ACCOMMODATION,)


@pytest.mark.requirement("R-MSG-04")
def test_plan_reads_its_objectives() -> None:
    """Records inside a list become dataclasses of their own."""
    payload = {
        "version": 2,
        "objectives": [{"objective": "o1", "need": "DRUGS", "role": "key_worker", "by": 20_514}],
    }
    body = said(MessageName.PLAN, payload)
    assert isinstance(body, PlanMessage)
    (objective,) = body.objectives
    assert (objective.need, objective.role, objective.by) == (Need.DRUGS, Role.KEY_WORKER, 20_514)


@pytest.mark.requirement("R-MSG-07")
def test_consent_reads_from_when_it_holds() -> None:
    """`from` is a word of Python's own; the model calls it `from_`."""
    body = said(MessageName.CONSENT, {"consent": "c", "action": "GIVEN", "from": 5, "classes": ["health"]})
    assert isinstance(body, ConsentMessage)
    assert body.from_ == 5
    assert body.classes == (InformationClass.HEALTH,)
    assert payload_name("from_") == "from"


def test_every_message_has_a_dataclass_of_its_own() -> None:
    """The union is closed: one member per message type."""
    assert set(BODIES) == set(MessageName)
    assert len(set(BODIES.values())) == len(MessageName)


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "referral"),
        ({"referral": None, "kind": "SESSION"}, "referral"),
        ({"referral": 5, "kind": "SESSION"}, "referral"),
        ({"referral": "r", "kind": "PARTY"}, "kind"),
        ({"referral": "r", "kind": 1}, "kind"),
        ({"referral": "r", "kind": "SESSION", "session_at": True}, "session_at"),
        ({"referral": "r", "kind": "SESSION", "affects": "ACCOMMODATION"}, "affects"),
        ({"referral": "r", "kind": "SESSION", "affects": ["PARTY"]}, "affects"),
    ],
)
def test_payload_that_does_not_fit_is_refused_naming_the_field(payload: dict[str, Any], field: str) -> None:
    """The field is named, what it holds is not."""
    with pytest.raises(NotReadable, match=field) as refused:
        said(MessageName.PROGRESS, payload)
    assert refused.value.code == "PAYLOAD-INVALID"
    assert "PARTY" not in str(refused.value)


def test_record_in_a_list_must_be_a_record() -> None:
    """Anything else in its place is refused by the record's name."""
    with pytest.raises(NotReadable, match="PlanObjective"):
        said(MessageName.PLAN, {"version": 1, "objectives": ["o1"]})


def test_whole_number_is_a_score_too() -> None:
    """A percentage of 50 needs no fraction."""
    body = said(MessageName.ASSESSMENT, {"assessment": "a", "likelihood_score": 50})
    assert body.likelihood_score == 50.0  # type: ignore[union-attr]
