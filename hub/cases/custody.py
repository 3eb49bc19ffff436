"""Where the person is held, from what prisons say (R-MSG-05, R-RTE-05, R-CASE-01).

What is expected moves nobody. What has happened and what was wrong change where the person is held, by all
that is known of their movements (hub.cases.movements). A movement told before is told no second time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.cases import claims, deadlines, moved, refusals, reports
from hub.cases import movements as known_movements
from hub.cases.applied import Applied, Directory, Occasion, Raised
from hub.cases.case import Case, Custody
from hub.cases.dates import iso_date
from hub.cases.declaring import as_declared
from hub.cases.identity import digest_of, of_person
from hub.cases.movements import (
    HAPPENED_OR_EXPECTED,
    LEAVING,
    SAME_FACT_MS,
    SORTS,
    TOLD_MAX,
    Movement,
    Movements,
    Place,
)
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant, MessageId, OrganisationId, derived_id
from hub.messages.prison_event import PrisonEventAction, PrisonEventMessage, PrisonEventStatus

if TYPE_CHECKING:
    from hub.cases.applied import Deadline, Ended

CONFIRM_WITHIN_MS = 4 * 60 * 60 * 1000
"""How long after its time an expected movement may stay unconfirmed: the prison system itself holds what has
happened back for most of an hour, since mistakes are mended in that time."""
BARE = frozenset({"action", "status", "at", "prison_from", "prison_to", "movement_reason", "release_type"})
IDENTIFIERS = frozenset({"noms_number", "booking"})
INTO = frozenset({PrisonEventAction.RECEPTION, PrisonEventAction.TRANSFER, PrisonEventAction.RECALL})
"""Movements into a prison in which the person is to stay."""
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
    if account.new.status is PrisonEventStatus.RETRACTED and account.known is not None:
        return _taken_back(case, account.known, at)
    if claims.is_claim(case, _movements(case), account.new, account.known, at):
        return _claimed(case, account, at)
    return _borne_out(_taken(case, body, account, at), at)


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
        if deadlines.confirmation(each) == due and _confirm_by(each) <= now
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
    said = {name: value for name, value in at.payload.items() if value is not None}
    content = sorted((name, str(value)) for name, value in said.items() if name not in {"at", "status"})
    return _Account(
        new=movement,
        known=known_movements.same_fact(_movements(case), movement),
        digest=derived_id("movement", *(part for each in content for part in each))[:_DIGEST_DIGITS],
        given=frozenset(said),
    )


def _check(case: Case, account: _Account, at: Occasion) -> None:
    """Refuse what cannot be, on what is known: a movement of the dead, out of a prison that holds nobody."""
    new, known = account.new, account.known
    if claims.is_against_others(case, new, known, at):
        raise refusals.held_elsewhere()
    if new.status is PrisonEventStatus.RETRACTED:
        if known is None:
            raise refusals.movement_unknown()
        return
    dead = known_movements.death(_movements(case))
    if dead is not None and new.action is not PrisonEventAction.DEATH and not account.is_named:
        raise refusals.person_dead()
    if new.status is PrisonEventStatus.PROVISIONAL and account.happened:
        raise refusals.movement_happened()
    by_itself = new.action is PrisonEventAction.DEATH and new.left == at.envelope.organisation
    if new.left is None or not (new.action in LEAVING or by_itself):
        return
    movements = _movements(case)
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
            at=movement.at,
            left=movement.left or known.left,
            reached=movement.reached or known.reached,
            distant=movement.distant or known.distant,
            told=told[-TOLD_MAX:],
            said_by=known_movements.with_word(known, movement),
            claimed=known.claimed if movement.status is PrisonEventStatus.PROVISIONAL else None,
            said_in=known_movements.sayers(known, movement),
            numbered=known_movements.number_of(known, movement),
            declared=tuple(sorted({*known.declared, *movement.declared})),
        )
    else:
        movement = replace(movement, told=(account.digest,))
    movement = _with_date(case, movement, body)
    is_new = movement.status is PrisonEventStatus.CONFIRMED and not account.is_known_to_have_happened
    back = Applied(case=case)
    if is_new and known is not None and known.ended:
        # What was told as a death was none.
        back = moved.brought_back(case, known, at)
        movement = replace(movement, ended=(), ended_at=None)
    after = _with(_dated(back.case, body, at), movement, instead_of=known)
    applied = moved.moved(case, after, movement, at) if is_new else Applied(case=after)
    was_distant = account.happened and known is not None and known.distant
    flags = () if was_distant else _flags(applied.case, movement)
    return replace(
        applied,
        correlation=movement.fact,
        exceptions=(*back.exceptions, *applied.exceptions, *flags),
        timers_set=(*back.timers_set, *applied.timers_set, *_timers(movement)),
        timers_cleared=(*applied.timers_cleared, *_cleared(case, applied.case, movement)),
    )


def _claimed(case: Case, account: _Account, at: Occasion) -> Applied:
    """Keep what one prison says of itself: nobody is moved or told by it but those who manage the case."""
    own, held = at.envelope.organisation, None if case.custody is None else case.custody.prison
    earlier = claims.claim_of(_movements(case), own)
    is_further = earlier is not None and earlier is account.known
    movement = replace(
        account.new,
        fact=earlier.fact if earlier is not None and is_further else account.new.fact,
        status=PrisonEventStatus.PROVISIONAL,
        claimed=account.new.status,
        told=(account.digest,),
    )
    # One claim of a prison at a time: many would push out what others have said.
    after = _with(case, movement, instead_of=earlier)
    also_to = ((held, Role.OFFENDER_MANAGEMENT_UNIT),) if held is not None else ()
    raised = replace(_to_ask_about(movement), also_to=also_to)
    forgotten = (deadlines.confirmation(earlier),) if earlier is not None else ()
    return Applied(
        case=after,
        is_news=False,
        exceptions=() if is_further else (raised,),
        timers_set=_timers(movement),
        timers_cleared=(*forgotten, *_cleared(case, after, movement)),
    )


def _borne_out(applied: Applied, at: Occasion) -> Applied:
    """Let what prisons have claimed take effect where this word bears it out."""
    movements, true = claims.settled(applied.case.movements)
    if not true:
        return applied
    after = _placed(applied.case, movements)
    raised = [Raised(code=reports.CLAIM_BORNE_OUT, subject=each.fact) for each in true]
    cleared = tuple(deadlines.confirmation(each) for each in true)
    for each in true:
        if each.status is PrisonEventStatus.CONFIRMED:
            follows = moved.moved(applied.case, after, each, at)
            raised += follows.exceptions
            after = follows.case
    return replace(
        applied,
        case=after,
        exceptions=(*applied.exceptions, *raised),
        timers_cleared=(*applied.timers_cleared, *cleared),
    )


def _taken_back(case: Case, known: Movement, at: Occasion) -> Applied:
    """Undo what followed from a movement that was wrong (a release recorded by mistake)."""
    movement = replace(
        known, status=PrisonEventStatus.RETRACTED, told=(), ended=(), ended_at=None, claimed=None
    )
    after = _with(case, movement, instead_of=known)
    custody = after.custody
    if custody is not None and known.release_date is not None and custody.release_date == known.release_date:
        after = replace(after, custody=replace(custody, release_date=known.dated))
    applied = Applied(case=after, is_news=known.claimed is None)
    if known.claimed is not None:
        raised = Raised(code=reports.MOVEMENT_TAKEN_BACK, subject=known.fact)
        applied = replace(applied, exceptions=(raised,))
    if known.status is PrisonEventStatus.CONFIRMED:
        applied = moved.brought_back(after, known, at)
    return replace(
        applied,
        correlation=known.fact,
        timers_cleared=(*applied.timers_cleared, *_cleared(case, applied.case, movement)),
    )


def unsaid(case: Case, message: MessageId, at: Occasion) -> Applied:
    """Undo the movement only this message told; one that another told with the same places stands."""
    known = next((each for each in case.movements.known if message in each.said_in), None)
    if known is None:
        return Applied(case=case)
    others = tuple(each for each in known.said_in if each != message)
    if others:
        return Applied(case=_with(case, replace(known, said_in=others), instead_of=known))
    word = tuple(each for each in known.said_by if each != at.envelope.organisation)
    if word and known.claimed is None and at.envelope.author_role is not Role.OFFENDER_MANAGER:
        return _word_of_others(case, replace(known, said_in=(), said_by=word), known)
    return undone(case, known, at)


def _word_of_others(case: Case, left: Movement, known: Movement) -> Applied:
    """Let a movement stand by the word of others, and have those who manage the case ask who is right.

    It is what a retraction by the same prison comes to (`claims.is_against_others`).
    """
    return Applied(case=_with(case, left, instead_of=known), exceptions=(_to_ask_about(left),))


def _to_ask_about(movement: Movement) -> Raised:
    """Return the report that has those who manage the case ask where the person is."""
    about = f"Said by {', '.join(movement.said_by)}."
    return Raised(code=reports.CUSTODY_CLAIMED, subject=movement.fact, about=about)


def undone(case: Case, known: Movement, at: Occasion) -> Applied:
    """Undo a movement because of a correction, which is told under its own correlation."""
    if known.status is PrisonEventStatus.RETRACTED:
        return Applied(case=case)
    return replace(_taken_back(case, known, at), correlation="")


def _said_too(case: Case, account: _Account, at: Occasion) -> Case:
    """Note that another message told the same, and so does not fall with the first."""
    known, new = account.known, account.new
    if known is None or at.envelope.message_id in known.said_in:
        return case
    if not known_movements.are_alike(known, new):
        return case
    again = replace(
        known,
        said_by=known_movements.with_word(known, new),
        said_in=known_movements.sayers(known, new),
        numbered=known_movements.number_of(known, new),
    )
    return _with(case, again, instead_of=known)


def _movements(case: Case) -> Movements:
    """Return the movements of a case; what was known of its custody before the first is where they begin."""
    held = case.movements
    if held.before is not None or held.known:
        return held
    custody = case.custody or Custody(prison=None, since=None)
    before = Place(prison=custody.prison, since=custody.since, previous=custody.previous)
    return replace(held, before=before)


def _with(case: Case, movement: Movement, *, instead_of: Movement | None) -> Case:
    """Put a movement among those known, and the person where all of them lead."""
    return _placed(case, known_movements.with_movement(_movements(case), movement, instead_of=instead_of))


def _placed(case: Case, movements: Movements) -> Case:
    """Put the person where the movements lead."""
    place = known_movements.place_at(movements)
    custody = case.custody or Custody(prison=None, since=None)
    there = replace(custody, prison=place.prison, since=place.since, previous=place.previous)
    return replace(case, movements=movements, custody=there)


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


def _confirm_by(movement: Movement) -> Instant:
    return Instant(movement.at + CONFIRM_WITHIN_MS)


def _timers(movement: Movement) -> tuple[Deadline, ...]:
    if movement.status is not PrisonEventStatus.PROVISIONAL:
        return ()
    return (deadlines.on(deadlines.confirmation(movement), _confirm_by(movement)),)


def _cleared(before: Case, after: Case, movement: Movement) -> tuple[Ended, ...]:
    """Return the confirmations no longer waited for: of this movement, and of those forgotten for it."""
    gone = known_movements.dropped(before.movements, after.movements)
    settled = () if movement.status is PrisonEventStatus.PROVISIONAL else (movement,)
    return tuple(deadlines.confirmation(each) for each in (*settled, *gone))


def _flags(case: Case, movement: Movement) -> tuple[Raised, ...]:
    """Raise the question of an Offender Supervisor on a move into distant custody (002 3.24a)."""
    has_happened = movement.status is PrisonEventStatus.CONFIRMED
    if not has_happened or movement.action not in INTO or not movement.distant or case.in_scope is False:
        return ()
    return (Raised(code=reports.DISTANT_CUSTODY),)
