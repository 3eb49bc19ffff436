"""Where the person is held, from what prisons say (R-MSG-05, R-RTE-05, R-CASE-01)."""

from __future__ import annotations

from dataclasses import replace

from hub.cases import reports
from hub.cases.applied import Applied, Directory, Occasion, Raised
from hub.cases.case import Case, Custody
from hub.cases.dates import iso_date
from hub.messages.identifiers import Instant, OrganisationId
from hub.messages.prison_event import PrisonEventAction, PrisonEventMessage, PrisonEventStatus

ARRIVALS = frozenset(
    {
        PrisonEventAction.RECEPTION,
        PrisonEventAction.TRANSFER,
        PrisonEventAction.RETURN,
        PrisonEventAction.RECALL,
    }
)
"""Events after which the prison named as receiving holds the person."""
DEPARTURES = frozenset({PrisonEventAction.RELEASE, PrisonEventAction.HDC})
"""Events after which no prison holds the person; on temporary release the prison still does."""
DISTANT = frozenset({PrisonEventAction.RECEPTION, PrisonEventAction.TRANSFER})


def prison_event(case: Case, body: PrisonEventMessage, at: Occasion) -> Applied:
    """Apply what a prison says happened; what is only expected moves nobody, what was wrong is undone."""
    custody = case.custody or Custody(prison=None, since=None)
    if body.release_date is not None and body.status is not PrisonEventStatus.RETRACTED:
        custody = replace(custody, release_date=iso_date(body.release_date))
    when = at.envelope.occurred_at if body.at is None else body.at
    if body.status is PrisonEventStatus.RETRACTED:
        custody = _undone(custody, body, at.directory)
    elif body.status is PrisonEventStatus.CONFIRMED and not _is_history(custody, when):
        custody = _happened(custody, body, when=when, directory=at.directory)
    return Applied(case=replace(case, custody=custody), exceptions=_flags(case, body))


def prison_of(directory: Directory, code: str | None) -> OrganisationId | None:
    """Return the prison of a code; one the hub does not know still counts as a place of custody."""
    if code is None:
        return None
    return directory.prison(code) or OrganisationId(f"prison-{code.lower()}")


def _happened(custody: Custody, body: PrisonEventMessage, *, when: Instant, directory: Directory) -> Custody:
    if body.action in DEPARTURES:
        prison = None
    elif body.action in ARRIVALS and body.prison_to is not None:
        prison = prison_of(directory, body.prison_to)
    else:
        return custody
    if prison == custody.prison:
        return custody
    left = custody.prison or prison_of(directory, body.prison_from)
    return replace(custody, prison=prison, since=when, previous=left)


def _undone(custody: Custody, body: PrisonEventMessage, directory: Directory) -> Custody:
    """Put the person back where they were, if the event now retracted is the one that moved them."""
    if body.action in DEPARTURES:
        moved = custody.prison is None
    else:
        moved = body.action in ARRIVALS and custody.prison == prison_of(directory, body.prison_to)
    return replace(custody, prison=custody.previous, previous=custody.prison) if moved else custody


def _is_history(custody: Custody, when: Instant) -> bool:
    return custody.since is not None and when < custody.since


def _flags(case: Case, body: PrisonEventMessage) -> tuple[Raised, ...]:
    """Raise the question of an Offender Supervisor on a move into distant custody (002 3.24a)."""
    confirmed = body.status is PrisonEventStatus.CONFIRMED and body.action in DISTANT
    if not confirmed or body.distant is not True or case.in_scope is False:
        return ()
    return (Raised(code=reports.DISTANT_CUSTODY),)
