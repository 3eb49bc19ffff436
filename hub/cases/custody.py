"""Where the person is held, from what prisons say (R-MSG-05, R-RTE-05, R-CASE-01).

What is expected moves nobody. What has happened and what was wrong change where the person is held, by all
that is known of their movements (hub.cases.movements). A movement told before is told no second time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.cases import claiming, claims, deadlines, moved, refusals, reports
from hub.cases import movements as known_movements
from hub.cases.applied import Applied, Directory, Occasion, Raised
from hub.cases.case import Case, Custody
from hub.cases.dates import iso_date
from hub.cases.declaring import also_declared, as_declared
from hub.cases.identity import digest_of, of_person
from hub.cases.movements import (
    HAPPENED_OR_EXPECTED,
    LEAVING,
    SAME_FACT_MS,
    SORTS,
    TOLD_MAX,
    Movement,
)
from hub.cases.placing import awaited, confirm_by, movements_of, with_movement
from hub.cases.taking_back import taken_back
from hub.messages.identifiers import Instant, OrganisationId, derived_id
from hub.messages.prison_event import PrisonEventAction, PrisonEventMessage, PrisonEventStatus

if TYPE_CHECKING:
    from hub.cases.applied import Ended

BARE = frozenset({"action", "status", "at", "prison_from", "prison_to", "movement_reason", "release_type"})
IDENTIFIERS = frozenset({"noms_number", "booking"})
INTO = frozenset({PrisonEventAction.RECEPTION, PrisonEventAction.TRANSFER, PrisonEventAction.RECALL})
"""Movements into a prison in which the person is to stay."""
AHEAD_MS_MAX = 24 * 60 * 60 * 1000
"""How far ahead of the hub's clock somebody else's may say that something has happened."""
_DIGEST_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """One account of a movement, beside what was known of that movement before."""

    new: Movement
    known: Movement | None
    digest: str
    given: frozenset[str]

    @property
    def happened(self) -> bool:
        """Whether it has been said before that this has happened, and not taken back."""
        return self.known is not None and self.known.status is PrisonEventStatus.CONFIRMED

    @property
    def is_known_to_have_happened(self) -> bool:
        """Whether it has been said before that just this has happened: a release may prove to be a death."""
        return self.happened and self.known is not None and self.known.action is self.new.action

    @property
    def is_named(self) -> bool:
        """Whether its author names the fact by its correlation."""
        return self.known is not None and self.known.fact == self.new.fact

    @property
    def is_repeat(self) -> bool:
        """Whether everybody has been told all of it already."""
        if self.known is None:
            return False
        if self.known.claimed is not None and self.new.status is not PrisonEventStatus.RETRACTED:
            return self.known.claimed is self.new.status and self.known.said_by == self.new.said_by
        if self.known.status is not self.new.status:
            return self.new.status is PrisonEventStatus.PROVISIONAL and self.happened and self._is_bare
        if self.new.status is PrisonEventStatus.RETRACTED:
            return True
        apart = abs(self.known.at - self.new.at)
        if self.is_named or apart > SAME_FACT_MS:
            return apart == 0 and self.digest in self.known.told
        return self.digest in self.known.told or (self._is_bare and not self._leads_further(self.known))

    @property
    def _is_bare(self) -> bool:
        """Whether it says no more than that somebody moves."""
        return self.given <= BARE | IDENTIFIERS

    def _leads_further(self, known: Movement) -> bool:
        """Say whether it is of another action, or names a prison that was not named."""
        places = ((known.left, self.new.left), (known.reached, self.new.reached))
        return known.action is not self.new.action or any(
            was is None and is_ is not None for was, is_ in places
        )


def prison_event(case: Case, body: PrisonEventMessage, at: Occasion) -> Applied:
    """Apply what a prison says happened; what is only expected moves nobody, what was wrong is undone."""
    person = of_person(case.identity, body.noms_number, case=case.ref, message=at.envelope.message_id)
    case = replace(case, identity=person)
    if body.action not in SORTS:
        return Applied(case=_dated(case, body, at))
    account = _account(case, body, at)
    if account.is_repeat:
        return Applied(case=_said_too(case, account, at), is_news=False)
    _check(case, account, at)
    return awaited(case, _told(case, body, account, at), at)


def _told(case: Case, body: PrisonEventMessage, account: _Account, at: Occasion) -> Applied:
    """Take what is new: a movement taken back, what is one prison's own word alone, or what counts."""
    if account.new.status is PrisonEventStatus.RETRACTED and account.known is not None:
        return taken_back(case, account.known, at)
    if claims.is_claim(case, movements_of(case), account.new, account.known, at):
        new = replace(account.new, told=(account.digest,))
        return claiming.claimed(case, new, account.known, at)
    applied = _taken(case, body, account, at)
    # What is told otherwise now, or only now, may leave nothing that bears out what another prison says.
    return claiming.borne_out(claiming.fallen(case, applied, at), at)


def prison_of(directory: Directory, code: str | None) -> OrganisationId | None:
    """Return the prison of a code; one the hub does not know still counts as a place of custody."""
    if code is None:
        return None
    found = directory.prison(code)
    if found is not None:
        return found
    # No organisation's name has a dot: nobody becomes this prison by what they are called.
    return OrganisationId(f"prison.{code.lower()}")


def overdue(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    """Report a movement that was expected and that nobody has confirmed in time."""
    late = tuple(
        each
        for each in known_movements.expected(case.movements)
        if due in {deadlines.confirmation(each), deadlines.former_confirmation(each)}
        and confirm_by(each) <= now
    )
    raised = tuple(
        Raised(code=reports.MOVEMENT_NOT_CONFIRMED, subject=due.subject, due_at=each.at) for each in late
    )
    return Applied(case=case, exceptions=raised)


def _account(case: Case, body: PrisonEventMessage, at: Occasion) -> _Account:
    movement = Movement(
        fact=at.envelope.correlation,
        action=body.action,
        status=body.status or PrisonEventStatus.PROVISIONAL,
        at=at.envelope.occurred_at if body.at is None else body.at,
        left=prison_of(at.directory, body.prison_from),
        reached=prison_of(at.directory, body.prison_to),
        distant=body.distant is True,
        said_by=(at.envelope.organisation,),
        said_in=(at.envelope.message_id,),
        numbered="" if body.noms_number is None else digest_of(case.ref, body.noms_number),
        declared=as_declared(at.envelope.declared),
    )
    movement = claims.of_itself(case, movement, at.envelope.organisation)
    named = claims.is_own_word(movement, at.envelope.organisation) and not claims.is_by_number(at)
    movement = replace(movement, by_reference=named)
    said = {name: value for name, value in at.payload.items() if value is not None}
    content = sorted((name, str(value)) for name, value in said.items() if name not in {"at", "status"})
    return _Account(
        new=movement,
        known=known_movements.same_fact(movements_of(case), movement),
        digest=derived_id("movement", *(part for each in content for part in each))[:_DIGEST_DIGITS],
        given=frozenset(said),
    )


def _check(case: Case, account: _Account, at: Occasion) -> None:
    """Refuse what cannot be, on what is known: a movement of the dead, out of a prison that holds nobody."""
    new, known = account.new, account.known
    if claims.is_against_others(case, new, known, at):
        raise refusals.held_elsewhere()
    if new.status is PrisonEventStatus.RETRACTED:
        if known is None or claims.is_anothers(case, new, known, at.envelope.organisation):
            raise refusals.movement_unknown()
        return
    if new.status is PrisonEventStatus.CONFIRMED and new.at - at.now > AHEAD_MS_MAX:
        raise refusals.movement_ahead()
    dead = known_movements.death(movements_of(case))
    if dead is not None and new.action is not PrisonEventAction.DEATH and not account.is_named:
        raise refusals.person_dead()
    if new.status is PrisonEventStatus.PROVISIONAL and account.happened:
        raise refusals.movement_happened()
    by_itself = new.action is PrisonEventAction.DEATH and new.left == at.envelope.organisation
    if new.left is None or not (new.action in LEAVING or by_itself):
        return
    movements = movements_of(case)
    place = known_movements.place_at(movements, new.at, but=known)
    # Who has arrived by the immediate feed may leave before the one held back confirms the arrival.
    arrived = known_movements.place_at(movements, new.at, but=known, counting=HAPPENED_OR_EXPECTED)
    if place.is_known and new.left not in {place.prison, arrived.prison}:
        raise refusals.person_not_held()


def _taken(case: Case, body: PrisonEventMessage, account: _Account, at: Occasion) -> Applied:
    """Take a movement that is expected or has happened, in place of what was known of it."""
    known, movement = account.known, account.new
    if known is not None:
        told = (*known.told, account.digest) if known.status is movement.status else (account.digest,)
        movement = replace(
            known,
            action=movement.action,
            status=movement.status,
            # What is expected only does not say when what has been claimed happened.
            at=known.at
            if known.claimed and movement.status is PrisonEventStatus.PROVISIONAL
            else movement.at,
            left=movement.left or known.left,
            reached=movement.reached or known.reached,
            distant=movement.distant or known.distant,
            told=told[-TOLD_MAX:],
            claimed=known.claimed if movement.status is PrisonEventStatus.PROVISIONAL else None,
            own_at=None,
            declared=also_declared(known.declared, movement.declared),
        )
        movement = known_movements.said_too(movement, known, account.new, at.directory.sender)
    else:
        movement = replace(movement, told=(account.digest,))
    movement = _with_date(case, movement, body)
    is_new = movement.status is PrisonEventStatus.CONFIRMED and not account.is_known_to_have_happened
    back = Applied(case=case)
    if is_new and known is not None and known.ended:
        # What was told as a death was none.
        back = moved.brought_back(case, known, at)
        movement = replace(movement, ended=(), ended_at=None)
    after = with_movement(_dated(back.case, body, at), movement, instead_of=known)
    applied = moved.moved(case, after, movement, at) if is_new else Applied(case=after)
    was_distant = account.happened and known is not None and known.distant
    flags = () if was_distant else _flags(applied.case, movement)
    if is_new:
        flags = (*flags, *_unreached(case, movement, body, at))
    return replace(
        applied,
        correlation=movement.fact,
        exceptions=(*back.exceptions, *applied.exceptions, *flags),
        timers_set=(*back.timers_set, *applied.timers_set),
    )


def _said_too(case: Case, account: _Account, at: Occasion) -> Case:
    """Note that another message told the same, and so does not fall with the first."""
    known, new = account.known, account.new
    if known is None or at.envelope.message_id in known.said_in:
        return case
    if not known_movements.are_alike(known, new):
        return case
    again = known_movements.said_too(known, known, new, at.directory.sender)
    return with_movement(case, again, instead_of=known)


def _dated(case: Case, body: PrisonEventMessage, at: Occasion) -> Case:
    """Take over the release date, unless what brought it is taken back."""
    if body.release_date is None or body.status is PrisonEventStatus.RETRACTED:
        return case
    custody = case.custody or Custody(prison=None, since=None)
    day = iso_date(body.release_date)
    return replace(case, custody=replace(custody, release_date=day, dated_in=at.envelope.message_id))


def _with_date(case: Case, movement: Movement, body: PrisonEventMessage) -> Movement:
    """Note which release date a movement brought, and in place of which."""
    if body.release_date is None:
        return movement
    before = None if case.custody is None else case.custody.release_date
    if movement.release_date is not None:
        before = movement.dated
    return replace(movement, release_date=iso_date(body.release_date), dated=before)


def _flags(case: Case, movement: Movement) -> tuple[Raised, ...]:
    """Raise the question of an Offender Supervisor on a move into distant custody (002 3.24a)."""
    has_happened = movement.status is PrisonEventStatus.CONFIRMED
    if not has_happened or movement.action not in INTO or not movement.distant or case.in_scope is False:
        return ()
    return (Raised(code=reports.DISTANT_CUSTODY),)


def _unreached(case: Case, movement: Movement, body: PrisonEventMessage, at: Occasion) -> tuple[Raised, ...]:
    """Report that nobody can be told where the person has come: a slip in a code, or a prison outside."""
    held = None if case.custody is None else case.custody.prison
    if movement.action not in INTO or body.prison_to is None or movement.reached == held:
        return ()
    return () if at.directory.prison(body.prison_to) else (Raised(code=reports.PRISON_NOT_REACHED),)
