"""Brings what a case keeps of messages up to the contract versions that decisions speak of.

Which fields of a message still hold is kept under the names of its day. Given to a joiner, joined with what
was said since, or corrected, it has to be under today's, as the message itself is when it is read back: else
a retracted field would come back under its other name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from hub.cases.case import Kept
from hub.cases.keeping import field_of
from hub.consent.parties import Kind
from hub.messages.envelope import MessageName
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.messages.correction import CorrectionMessage
    from hub.messages.identifiers import MessageId
    from hub.routing.outcome import Contracts, View

K = TypeVar("K", bound=Kept)
_FORMER = re.compile(r"prison-(?P<code>[a-z]{3})")


def brought_up(case: Case, contracts: Contracts) -> Case:
    """Return the case with everything it keeps under today's names; the case itself where nothing changes."""
    if _all_of_today(case, contracts):
        return case
    facts = tuple(_today(each, MessageName.CASE, contracts) for each in case.facts)
    risks = tuple(_today(each, MessageName.RISK_CHANGE, contracts) for each in case.risks)
    plan = None if case.plan is None else _today(case.plan, MessageName.PLAN, contracts)
    if facts == case.facts and risks == case.risks and plan == case.plan:
        return case
    return replace(case, facts=facts, risks=risks, plan=plan)


def _all_of_today(case: Case, contracts: Contracts) -> bool:
    """Say, at little cost, that nothing a case keeps is of an earlier version: so it is with most."""
    if case.plan is not None and not is_today(case.plan, MessageName.PLAN, contracts):
        return False
    for message, kept in ((MessageName.CASE, case.facts), (MessageName.RISK_CHANGE, case.risks)):
        today = contracts.newest(message) if kept else ""
        for each in kept:
            if each.contract != today:
                return False
    return True


def at_prisons_of_today(case: Case, view: View) -> Case:
    """Return the case with a prison that is not on the hub under the name it has today (R-CASE-01).

    It was `prison-wwi` once, which an organisation may be called; no organisation is called `prison.wwi`.
    """
    if not [each for each in _prisons(case) if each is not None and _is_former(each)]:
        return case

    def today(prison: OrganisationId | None) -> OrganisationId | None:
        former = None if prison is None else _FORMER.fullmatch(prison)
        if prison is None or former is None:
            return prison
        code = former["code"]
        known = view.organisation(prison)
        is_it = known is not None and known.kind is Kind.PRISON and known.prison == code.upper()
        return prison if is_it else OrganisationId(f"prison.{code}")

    custody, movements = case.custody, case.movements
    if custody is not None:
        custody = replace(custody, prison=today(custody.prison), previous=today(custody.previous))
    before = movements.before
    if before is not None:
        before = replace(before, prison=today(before.prison), previous=today(before.previous))
    known = tuple(
        replace(each, left=today(each.left), reached=today(each.reached)) for each in movements.known
    )
    movements = replace(movements, known=known, before=before)
    if custody == case.custody and movements == case.movements:
        return case
    return replace(case, custody=custody, movements=movements)


def _prisons(case: Case) -> list[OrganisationId | None]:
    """Return every prison a case names: where the person is and was, and between which they moved."""
    found: list[OrganisationId | None] = []
    movements = case.movements
    for custody in (case.custody, movements.before):
        if custody is not None:
            found += (custody.prison, custody.previous)
    for each in movements.known:
        found += (each.left, each.reached)
    return found


@lru_cache(maxsize=1024)
def _is_former(prison: OrganisationId) -> bool:
    return _FORMER.fullmatch(prison) is not None


def is_today(kept: Kept, message: MessageName, contracts: Contracts) -> bool:
    """Tell whether what is kept can be given again; one in a version this hub does not know cannot."""
    return kept.contract == contracts.newest(message)


def naming_today(body: CorrectionMessage, case: Case, contracts: Contracts) -> CorrectionMessage:
    """Return a correction that names fields under every name they have today, whatever its author calls them.

    Where one of them is a field of the message corrected in no version, all of the message is meant: what
    should be taken back is not known, and must not stay.
    """
    names = {field_of(each) for each in body.fields}
    today: set[str] = set()
    is_known = False
    for message in _sorts_of(case, body.corrects):
        known: set[str] = set()
        for version in contracts.every_version(message):
            fields = {field_of(spec.path) for spec in contracts.fields(message, version)}
            known |= fields
            paths = frozenset(names & fields)
            today |= contracts.current_paths(message, version, paths) if paths else set()
        is_known = is_known or names <= known
    return replace(body, fields=tuple(sorted(names | today)) if is_known else ())


def _sorts_of(case: Case, message: MessageId) -> tuple[MessageName, ...]:
    """Return what the message is by what the case keeps of it; of a number or a date alone it may be two."""
    kept: dict[MessageName, tuple[MessageId | None, ...]] = {
        MessageName.CASE: (
            *(each.message for each in case.facts),
            case.allocation.said_in,
            case.allocation.born_in,
        ),
        MessageName.RISK_CHANGE: tuple(each.message for each in case.risks),
        MessageName.PLAN: () if case.plan is None else (case.plan.message,),
        MessageName.CONSENT: (
            *(said for each in case.consents for said in each.said_in),
            *(said for each in case.grants for said in each.said_in),
            *(each.said_in for each in case.restrictions),
        ),
        MessageName.REFERRAL: tuple(
            said for each in case.referrals for said in (each.said_in, each.moved_in, each.named_in)
        ),
        MessageName.PRISON_EVENT: tuple(
            said for each in case.movements.known for said in (*each.said_in, *each.borne_in)
        ),
    }
    found = tuple(name for name, messages in kept.items() if message in messages)
    return found or (MessageName.CASE, MessageName.PRISON_EVENT)


def _today(kept: K, message: MessageName, contracts: Contracts) -> K:
    current = contracts.newest(message)
    if kept.contract == current or kept.contract not in contracts.every_version(message):
        return kept
    paths = (spec.path for spec in contracts.fields(message, kept.contract))
    held = frozenset(path for path in paths if field_of(path) in kept.fields)
    today = contracts.current_paths(message, kept.contract, held)
    return replace(kept, contract=current, fields=frozenset(map(field_of, today)))
