"""Brings what a case keeps of messages up to the contract versions that decisions speak of.

Which fields of a message still hold is kept under the names of its day. Given to a joiner, joined with what
was said since, or corrected, it has to be under today's, as the message itself is when it is read back: else
a retracted field would come back under its other name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hub.cases.case import Kept
from hub.cases.keeping import field_of
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.messages.correction import CorrectionMessage
    from hub.routing.outcome import Contracts

K = TypeVar("K", bound=Kept)
_KEPT = (MessageName.CASE, MessageName.RISK_CHANGE, MessageName.PLAN)
"""Messages of which a case keeps what they say."""
_ACTED_ON = (MessageName.CONSENT, MessageName.REFERRAL, MessageName.PRISON_EVENT)
"""Messages of which a case keeps what it acts on."""


def brought_up(case: Case, contracts: Contracts) -> Case:
    """Return the case with everything it keeps under today's names; the case itself where nothing changes."""
    facts = tuple(_today(each, MessageName.CASE, contracts) for each in case.facts)
    risks = tuple(_today(each, MessageName.RISK_CHANGE, contracts) for each in case.risks)
    plan = None if case.plan is None else _today(case.plan, MessageName.PLAN, contracts)
    if facts == case.facts and risks == case.risks and plan == case.plan:
        return case
    return replace(case, facts=facts, risks=risks, plan=plan)


def is_today(kept: Kept, message: MessageName, contracts: Contracts) -> bool:
    """Tell whether what is kept can be given again; one in a version this hub does not know cannot."""
    return kept.contract == contracts.newest(message)


def naming_today(body: CorrectionMessage, contracts: Contracts) -> CorrectionMessage:
    """Return a correction that names fields under every name they have today, whatever its author calls them.

    Where no message that is kept has all of the fields in some version, all of the message is meant: what
    should be taken back is not known, and must not stay.
    """
    names = {field_of(each) for each in body.fields}
    today: set[str] = set()
    is_known = False
    for message in (*_KEPT, *_ACTED_ON):
        known: set[str] = set()
        for version in contracts.every_version(message):
            fields = {field_of(spec.path) for spec in contracts.fields(message, version)}
            known |= fields
            paths = frozenset(names & fields)
            today |= contracts.current_paths(message, version, paths) if paths else set()
        is_known = is_known or names <= known
    return replace(body, fields=tuple(sorted(names | today)) if is_known else ())


def _today(kept: K, message: MessageName, contracts: Contracts) -> K:
    current = contracts.newest(message)
    if kept.contract == current or kept.contract not in contracts.every_version(message):
        return kept
    paths = (spec.path for spec in contracts.fields(message, kept.contract))
    held = frozenset(path for path in paths if field_of(path) in kept.fields)
    today = contracts.current_paths(message, kept.contract, held)
    return replace(kept, contract=current, fields=frozenset(map(field_of, today)))
