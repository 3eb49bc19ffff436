"""The matrix for people: who gets what by default, by class, field, role, rung and purpose.

By default means: on the team, about their own work, in force, risk of serious harm medium, not under
MAPPA, no consent and no protocol. A cell also says what consent, a protocol or public protection would
change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.cases.case import Rosh
from hub.consent.compile import Policy
from hub.consent.decision import Concern, Outcome, Scope
from hub.consent.evaluate import evaluate
from hub.consent.parties import RUNGS, Kind, LegalStatus, Purpose, Standing
from hub.consent.prove import OTHER_FIELD, named_fields
from hub.consent.purposes import PURPOSES
from hub.consent.vocabulary import FACTS, Value, bit
from hub.messages.envelope import InformationClass, MessageName, Role, Statement, Subject

KINDS: Mapping[Role, Kind] = {
    Role.OFFENDER_MANAGER: Kind.PROBATION,
    Role.OFFENDER_SUPERVISOR: Kind.PRISON,
    Role.CASE_ADMINISTRATOR: Kind.PROBATION,
    Role.OFFENDER_MANAGEMENT_UNIT: Kind.PRISON,
    Role.LINE_MANAGER: Kind.PROBATION,
    Role.SUBSCRIBER: Kind.PROBATION,
    Role.KEY_WORKER: Kind.PARTNER,
    Role.SERVICE_MANAGER: Kind.PARTNER,
    Role.PERSON: Kind.PERSON,
}
"""What sort of body usually holds a role; a partner's roles are shown on every rung."""
STATUSES: Mapping[int, LegalStatus] = dict(zip(RUNGS, LegalStatus, strict=True))
"""The legal status usual on each rung; the two are separate facts all the same (R-DIS-01)."""
RUNG_SAID: Mapping[int, str] = {
    1: "in house",
    2: "directly purchased",
    3: "mainstream with a duty to reach out",
    4: "mainstream without",
}
"""What each rung of the brokerage ladder is (002 3.19)."""
RUNGS_IN_WORDS = ", ".join(f"{rung} {said}" for rung, said in RUNG_SAID.items())
SENSITIVE = frozenset({InformationClass.HEALTH, InformationClass.INTELLIGENCE})
"""Classes whose fields are usually sensitive."""
CHANGES: Mapping[str, Mapping[str, Value]] = {
    "consent": {"consent": "given"},
    "protocol": {"protocol": True},
    "public protection": {"rosh": Rosh.VERY_HIGH, "mappa_level": 2},
}
"""What could change an outcome, and the facts it would be."""
_ORDINARY: Mapping[str, Value] = {
    "standing": Standing.ACTIVE,
    "concern": Concern.TEAM,
    "statement": Statement.FACT,
    "purpose_registered": True,
    "on_team": True,
    "engaged": True,
    "own_referral": True,
    "responsible": True,
    "relevant": True,
    "from_other_provider": False,
    "policy_document": True,
    "protocol": False,
    "consent": "none",
    "court_order": False,
    "override": False,
    "excluded": False,
    "limited": False,
    "confidential": False,
    "om_threatened": False,
    "tier": 2,
    "rosh": Rosh.MEDIUM,
    "mappa_level": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one role on one rung gets of one field for one purpose, and what would change it."""

    information_class: InformationClass
    field: str
    role: Role
    rung: int
    purpose: Purpose
    outcome: Outcome
    changes: Mapping[str, Outcome]
    """Outcome with consent, a protocol or public protection, where it differs."""


def columns() -> Iterator[tuple[Role, int]]:
    """Yield every role with the rungs it is found on."""
    for role, kind in KINDS.items():
        for rung in RUNGS if kind is Kind.PARTNER else RUNGS[:1]:
            yield role, rung


def cells(
    policy: Policy,
    *,
    classes: Iterable[InformationClass] = tuple(InformationClass),
    fields: Sequence[str] | None = None,
) -> Iterator[Cell]:
    """Yield the full matrix: class, field (those the rules name, or these), role, rung, purpose."""
    for information_class in classes:
        for field in fields or (*named_fields(policy.rules[information_class]), OTHER_FIELD):
            for role, rung in columns():
                for purpose in Purpose:
                    yield _cell(policy, information_class, field, role, rung, purpose=purpose)


def usual_facts(role: Role, rung: int, scope: Scope) -> dict[str, Value]:
    """Return every fact as it usually is for a role on a rung, for items of that scope."""
    return {
        **_ORDINARY,
        "role": role,
        "kind": KINDS[role],
        "rung": rung,
        "legal_status": STATUSES[rung],
        "scope": scope,
    }


def _cell(
    policy: Policy,
    information_class: InformationClass,
    field: str,
    role: Role,
    rung: int,
    *,
    purpose: Purpose,
) -> Cell:
    """Take the best outcome over the messages of a purpose, as it is and with each change."""
    messages = [message for message, meant in PURPOSES.items() if meant is purpose]
    facts = usual_facts(role, rung, Scope.THEIRS if "[]" in field else Scope.ALL)
    outcome = _best(policy, information_class, field, messages, facts)
    changed = {
        name: _best(policy, information_class, field, messages, {**facts, **change})
        for name, change in CHANGES.items()
    }
    return Cell(
        information_class=information_class,
        field=field,
        role=role,
        rung=rung,
        purpose=purpose,
        outcome=outcome,
        changes={name: found for name, found in changed.items() if found is not outcome},
    )


def _best(
    policy: Policy,
    information_class: InformationClass,
    field: str,
    messages: Iterable[MessageName],
    facts: Mapping[str, Value],
) -> Outcome:
    """Return the best outcome over some messages."""
    vector = [bit(name, facts[name]) for name in FACTS]
    sensitive = information_class in SENSITIVE
    subject = Subject.STAFF if field.startswith("@") else Subject.PERSON
    found = {
        id(rules): rules
        for rules in (
            policy.rules_for((message, information_class, subject, sensitive, field)) for message in messages
        )
    }
    return min((evaluate(rules, vector).outcome for rules in found.values()), default=Outcome.WITHHOLD)
