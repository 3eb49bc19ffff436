"""Chapter of Exempla Unreal: what consent opens, and what its withdrawal closes.

A voluntary body has no legal gateway of its own: it can be asked only with consent, and consent about
health is a consent of its own (R-DIS-05; DPA 2018 s.35(2)(a), s.42; 002 3.19, rung 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.demo.chapters import asks
from hub.demo.chapters.opening import accept, open_case, refer
from hub.demo.organisations import DEBT
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from hub.demo.chapters.opening import Team
    from hub.demo.day import Day
    from hub.demo.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class _Consent:
    """One thing the person is asked: which classes, and how the story says it."""

    name: str
    consent: str
    classes: list[str]
    about: str


def add(day: Day, person: Person) -> None:
    """Add the chapter: the same kind of referral to the charity, before and after the withdrawal."""
    team = open_case(day, person)
    asking = _Consent(
        name="referral",
        consent=day.token(),
        classes=["identity", "contact", "plan_objective", "progress"],
        about="being referred to the charity",
    )
    health = _Consent(
        name="health",
        consent=day.token(),
        classes=["health"],
        about="health needs being told to it",
    )
    _said(day, person, team, consent=asking, action="GIVEN")
    _said(day, person, team, consent=health, action="GIVEN")
    offer = refer(day, person, team, name="debt", asked=asks.debt(day, person))
    accept(day, person, offer, name="debt")
    _said(day, person, team, consent=health, action="WITHDRAWN")
    refer(day, person, team, name="budgeting", asked=asks.debt(day, person, intervention="Budgeting course"))


def _said(day: Day, person: Person, team: Team, *, consent: _Consent, action: str) -> None:
    verb = {"GIVEN": "consents to", "WITHDRAWN": "withdraws the consent to"}[action]
    day.tell(
        f"{person.key}/consent-{consent.name}-{action.lower()}",
        f"{person.name} {verb} {consent.about}",
        author=team.manager,
        message=MessageName.CONSENT,
        data={
            "consent": consent.consent,
            "action": action,
            "organisations": [DEBT],
            "classes": consent.classes,
            "purposes": ["referral"],
            "from": day.instant(days=0),
            "until": day.instant(days=180),
            "recorded_how": "SIGNED_FORM",
        },
    )
