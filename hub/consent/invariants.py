"""What no policy may do, whatever its rules say; each holds in every state or the policy is refused.

An invariant names a region of states and what must not be in it. The words are for the counterexample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hub.consent.parties import RUNGS, Kind, Standing
from hub.consent.vocabulary import Value
from hub.messages.envelope import InformationClass, MessageName, Subject

ALL_CLASSES = frozenset(InformationClass)
GUARDED = frozenset({InformationClass.VICTIM, InformationClass.THIRD_PARTY, InformationClass.INTELLIGENCE})
"""Classes that no override opens beyond the service."""


class Claim(StrEnum):
    """What must hold in the region."""

    WITHHELD = "withheld"
    """Nothing is disclosed, generalised or redacted by name."""
    NOT_ON_CONSENT = "not_on_consent"
    """No permit rests on consent."""
    NOT_ON_CONSENT_ALONE = "not_on_consent_alone"
    """What goes has a basis other than consent."""
    NARROWS = "narrows"
    """Along the values of one fact, most trusted first, the next gets no more than the one before."""
    NO_MORE_THAN = "no_more_than"
    """No other value of one fact gets more than the value named: nothing that goes hangs on it."""
    ON_CONSENT = "on_consent"
    """What goes has consent among its bases."""
    CONSENT_NAMED_TRULY = "consent_named_truly"
    """Consent is named as the basis only where it is in force and no statute carries the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """One thing that is proved of every policy before it is put in force."""

    name: str
    classes: frozenset[InformationClass]
    region: Mapping[str, frozenset[Value]]
    claim: Claim
    breaks: str
    """What would happen, in the words of the field."""
    along: tuple[str, tuple[Value, ...]] = ("rung", ())
    """For NARROWS a fact and its values, most trusted first; for NO_MORE_THAN a fact and that value."""


def _region(**facts: tuple[Value, ...]) -> Mapping[str, frozenset[Value]]:
    """Name the states in which each of these facts has one of these values."""
    return {name: frozenset(values) for name, values in facts.items()}


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        name="victim-never-to-partner",
        classes=frozenset({InformationClass.VICTIM}),
        region=_region(kind=(Kind.PARTNER,), protocol=(False,)),
        claim=Claim.WITHHELD,
        breaks="information about a victim would reach a partner organisation without a live protocol",
    ),
    Invariant(
        name="victim-never-up-the-ladder",
        classes=frozenset({InformationClass.VICTIM}),
        region=_region(rung=(2, 3, 4), protocol=(False,)),
        claim=Claim.WITHHELD,
        breaks="information about a victim would leave in-house provision (rung 1) without a live protocol",
    ),
    Invariant(
        name="victim-identity-never-to-partner",
        classes=frozenset({InformationClass.VICTIM}),
        region=_region(kind=(Kind.PARTNER,), field=("victim_name", "victim_contact")),
        claim=Claim.WITHHELD,
        breaks="the identity of a victim would reach a partner organisation",
    ),
    Invariant(
        name="third-party-never-up-the-ladder",
        classes=frozenset({InformationClass.THIRD_PARTY}),
        region=_region(rung=(3, 4)),
        claim=Claim.WITHHELD,
        breaks="information about a third party would reach mainstream provision (rung 3 or 4)",
    ),
    Invariant(
        name="third-party-never-to-partner",
        classes=frozenset({InformationClass.THIRD_PARTY}),
        region=_region(kind=(Kind.PARTNER,), protocol=(False,)),
        claim=Claim.WITHHELD,
        breaks="a third party's identity would reach a partner organisation without a live protocol",
    ),
    Invariant(
        name="intelligence-never-to-partner",
        classes=frozenset({InformationClass.INTELLIGENCE}),
        region=_region(kind=(Kind.PARTNER,)),
        claim=Claim.WITHHELD,
        breaks="intelligence would reach a partner organisation",
    ),
    Invariant(
        name="intelligence-never-up-the-ladder",
        classes=frozenset({InformationClass.INTELLIGENCE}),
        region=_region(rung=(2, 3, 4)),
        claim=Claim.WITHHELD,
        breaks="intelligence would leave in-house provision (rung 1)",
    ),
    Invariant(
        name="own-copy-of-oneself-only",
        classes=frozenset(
            {InformationClass.VICTIM, InformationClass.THIRD_PARTY, InformationClass.INTELLIGENCE}
        ),
        region=_region(kind=(Kind.PERSON,)),
        claim=Claim.WITHHELD,
        breaks="the person's own copy would tell of a victim, a third party or intelligence",
    ),
    Invariant(
        name="confidential-withheld",
        classes=ALL_CLASSES,
        region=_region(confidential=(True,)),
        claim=Claim.WITHHELD,
        breaks="something the Offender Manager holds back as confidential would go (R-DIS-03)",
    ),
    Invariant(
        name="threatened-staff-not-named",
        classes=frozenset({InformationClass.CONTACT}),
        region=_region(om_threatened=(True,), subject=(Subject.STAFF,)),
        claim=Claim.WITHHELD,
        breaks="staff details would go although the Offender Manager was threatened (R-CON-02)",
    ),
    Invariant(
        name="provider-not-named-to-another",
        classes=frozenset({InformationClass.CONTACT}),
        region=_region(
            kind=(Kind.PARTNER,),
            from_other_provider=(True,),
            subject=(Subject.STAFF,),
            field=("@author", "@author_organisation"),
        ),
        claim=Claim.WITHHELD,
        breaks="a partner would learn which other provider wrote, and so what the person goes there for",
    ),
    Invariant(
        name="risk-not-on-consent-alone",
        classes=frozenset({InformationClass.RISK, InformationClass.INTELLIGENCE}),
        region={},
        claim=Claim.NOT_ON_CONSENT_ALONE,
        breaks="consent would be the only basis for sharing risk (R-DIS-04)",
    ),
    Invariant(
        name="closed-consent-carries-nothing",
        classes=ALL_CLASSES,
        region=_region(consent=("refused", "withdrawn", "expired", "none")),
        claim=Claim.NOT_ON_CONSENT,
        breaks="a field would go on consent that is not in force (R-DIS-05)",
    ),
    Invariant(
        name="sensitive-needs-policy-document",
        classes=ALL_CLASSES,
        region=_region(
            sensitive=(True,), policy_document=(False,), consent=("refused", "withdrawn", "expired", "none")
        ),
        claim=Claim.WITHHELD,
        breaks="sensitive data would go with neither consent nor a policy document (DPA 2018 s.35(5), s.42)",
    ),
    Invariant(
        name="sensitive-on-consent-without-policy-document",
        classes=ALL_CLASSES,
        region=_region(sensitive=(True,), policy_document=(False,)),
        claim=Claim.ON_CONSENT,
        breaks="without a policy document sensitive data would go on another basis than consent (DPA s.42)",
    ),
    Invariant(
        name="override-opens-no-guarded-class-to-partner",
        classes=GUARDED,
        region=_region(kind=(Kind.PARTNER,)),
        claim=Claim.NO_MORE_THAN,
        along=("override", (False,)),
        breaks="an override would open victims, third parties or intelligence to a partner (R-DIS-07)",
    ),
    Invariant(
        name="override-opens-no-guarded-class-up-the-ladder",
        classes=GUARDED,
        region=_region(rung=(2, 3, 4)),
        claim=Claim.NO_MORE_THAN,
        along=("override", (False,)),
        breaks="an override would open victims, third parties or intelligence up the ladder (R-DIS-07)",
    ),
    Invariant(
        name="override-opens-no-intelligence",
        classes=frozenset({InformationClass.INTELLIGENCE}),
        region={},
        claim=Claim.NO_MORE_THAN,
        along=("override", (False,)),
        breaks="an override would open intelligence (R-DIS-07)",
    ),
    Invariant(
        name="override-defeats-no-confidentiality",
        classes=ALL_CLASSES,
        region=_region(confidential=(True,)),
        claim=Claim.NO_MORE_THAN,
        along=("override", (False,)),
        breaks="an override would open what the Offender Manager holds back as confidential (R-DIS-07)",
    ),
    Invariant(
        name="rung-narrows",
        classes=ALL_CLASSES,
        region={},
        claim=Claim.NARROWS,
        along=("rung", RUNGS),
        breaks="a body higher up the brokerage ladder would get more than one below it (R-DIS-02)",
    ),
    Invariant(
        name="tier-narrows",
        classes=ALL_CLASSES,
        region={},
        claim=Claim.NARROWS,
        along=("tier", (4, 3, 2, 1)),
        breaks="more would go of a case of a lower tier than of one of a higher tier (R-CASE-08)",
    ),
    Invariant(
        name="statutory-routes-need-no-consent",
        classes=frozenset({InformationClass.RISK, InformationClass.INTELLIGENCE}),
        region=_region(mappa_level=(1, 2, 3), sensitive=(False,)),
        claim=Claim.NO_MORE_THAN,
        along=("consent", ("refused",)),
        breaks="risk under MAPPA would go with the person's consent and not without it (R-DIS-04)",
    ),
    Invariant(
        name="statutory-routes-need-no-consent-if-documented",
        classes=frozenset({InformationClass.RISK, InformationClass.INTELLIGENCE}),
        region=_region(mappa_level=(1, 2, 3), policy_document=(True,)),
        claim=Claim.NO_MORE_THAN,
        along=("consent", ("refused",)),
        breaks="sensitive data under MAPPA would go with the person's consent and not without it (R-DIS-04)",
    ),
    Invariant(
        name="consent-named-truly",
        classes=ALL_CLASSES,
        region={},
        claim=Claim.CONSENT_NAMED_TRULY,
        breaks=(
            "consent would be named as the basis where it is not in force or a statute carries the same"
            " (R-DIS-04)"
        ),
    ),
)
"""Proved for each class they name, in every state of the facts its rules ask about."""

CLOSED: tuple[tuple[str, Mapping[str, frozenset[Value]], str], ...] = (
    (
        "suspended-gets-nothing",
        _region(standing=(Standing.SUSPENDED,)),
        "a suspended organisation would get the message",
    ),
    ("excluded-gets-nothing", _region(excluded=(True,)), "an excluded organisation would get the message"),
    (
        "limited-gets-nothing",
        _region(limited=(True,)),
        "an organisation not named in a limited access would get the message",
    ),
    (
        "purpose-registered",
        _region(
            purpose_registered=(False,),
            message=tuple(name for name in MessageName if name is not MessageName.CORRECTION),
        ),
        "an organisation would get a message for a purpose it is not registered for (DPA 2018 s.36)",
    ),
)
"""States in which a gate must be closed: name, region, what would happen otherwise."""
