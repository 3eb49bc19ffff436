"""What disclosure is asked: may this recipient know this of this case, now."""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.cases.case import Case
from hub.consent.common import Common, common
from hub.consent.decision import Candidate
from hub.consent.parties import Organisation
from hub.messages.envelope import Envelope
from hub.messages.identifiers import Instant
from hub.messages.records import maker


@dataclass(slots=True, kw_only=True)
class Question:
    """What is asked: may this candidate, of this organisation, know this of this case, now."""

    envelope: Envelope
    case: Case
    organisation: Organisation
    candidate: Candidate
    now: Instant
    about: str | None
    """The referral the message is about, where it is about one."""
    common: Common | None = field(default=None, init=False, repr=False, compare=False)
    """What is the same for all recipients of the message, once it has been asked for."""


make_question = maker(Question)


def common_of(question: Question) -> Common:
    """Return what is the same for all recipients of the message asked about."""
    if question.common is None:
        question.common = common(question.envelope, question.case, question.now, question.about)
    return question.common
