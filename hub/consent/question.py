"""What disclosure is asked: may this recipient know this of this case, now."""

from __future__ import annotations

from dataclasses import dataclass

from hub.cases.case import Case
from hub.consent.decision import Candidate
from hub.consent.parties import Organisation
from hub.messages.envelope import Envelope
from hub.messages.identifiers import Instant


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
