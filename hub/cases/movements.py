"""What is known of the person's movements: each fact once, however often and by whomever it is told.

A movement is expected (provisional), has happened (confirmed) or was wrong (retracted), all under one
correlation (R-MSG-05). Where the person is held is worked out anew from the movements that have happened and
were not taken back, in the order in which they happened: so one that is told late, mended or taken back
leaves everything as if it had been told rightly at once (R-CASE-01, R-RTE-07).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.messages.identifiers import Instant, MessageId, OrganisationId
from hub.messages.prison_event import PrisonEventAction, PrisonEventStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Action = PrisonEventAction
Status = PrisonEventStatus

SORTS: Mapping[PrisonEventAction, str] = {
    Action.RECEPTION: "arrival",
    Action.RECALL: "arrival",
    Action.RELEASE: "departure",
    Action.HDC: "departure",
    Action.DEATH: "departure",
    Action.TRANSFER: "transfer",
    Action.TEMPORARY_RELEASE: "leave",
    Action.RETURN: "return",
}
"""Which actions may be one fact, better known later: a release may turn out to be a death, a reception a
recall. A new release date moves nobody and is not here."""
ARRIVALS = frozenset({Action.RECEPTION, Action.TRANSFER, Action.RETURN, Action.RECALL})
"""Movements after which the prison named as receiving holds the person."""
DEPARTURES = frozenset({Action.RELEASE, Action.HDC})
"""Movements after which no prison holds the person; on temporary release the prison still does."""
LEAVING = frozenset({*DEPARTURES, Action.TRANSFER, Action.TEMPORARY_RELEASE})
"""Movements out of a prison, which must hold the person then."""
HAPPENED = frozenset({Status.CONFIRMED})
HAPPENED_OR_EXPECTED = frozenset({Status.CONFIRMED, Status.PROVISIONAL})
SAME_FACT_MS = 12 * 60 * 60 * 1000
"""How far apart two accounts of one movement may be in time: the feeds of one prison system differ."""
KEPT_MAX = 6
"""Movements kept one by one; what earlier ones come to is kept as one place."""
TOLD_MAX = 3
WORDS_MAX = 4
"""Organisations whose word one movement is: two prisons, their service, those who manage the case."""
SAID_MAX = 8
"""Messages kept that told one movement alike, the first: a prison system tells one in two or three. That
there were more is kept, too: then no correction of these alone takes the movement back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One fact of where the person goes, as it is known now."""

    fact: str
    """The correlation under which all that is said of it is told."""
    action: PrisonEventAction
    status: PrisonEventStatus
    at: Instant
    left: OrganisationId | None = None
    reached: OrganisationId | None = None
    distant: bool = False
    """Whether it was said to lead too far away for the Offender Manager to supervise in person."""
    told: tuple[str, ...] = ()
    """Digests of what has been told of it in this status: whoever says it again says nothing new."""
    release_date: str | None = None
    """The release date it brought with it, and `dated` the one it took the place of."""
    dated: str | None = None
    ended: tuple[str, ...] = ()
    """Referrals it ended, each as `STATE/name`, so that taking it back brings them back."""
    ended_at: Instant | None = None
    said_by: tuple[OrganisationId, ...] = ()
    """Whose word it is, the first first."""
    by_reference: bool = False
    """Whether a prison that tells it of itself was given the case's reference, and not the number alone."""
    claimed: PrisonEventStatus | None = None
    """What one prison says of it, where that alone does not count (hub.cases.claims)."""
    counted: bool = False
    """Whether what is claimed has counted before: whoever was told hears when it is taken back."""
    own_at: Instant | None = None
    """When a claim said that it happened, where it counts from a later moment since it was borne out."""
    said_in: tuple[MessageId, ...] = ()
    """Messages that told it as it is known now; where all of them are corrected, it is taken back."""
    said_in_more: bool = False
    """Whether more messages told it so than are kept."""
    borne_in: tuple[MessageId, ...] = ()
    """Messages by others that told it otherwise before (expected, claimed): their word still bears it out."""
    numbered: str = ""
    """The prison number all of them bore (hub.cases.identity.digest_of); empty where one bore none."""
    declared: tuple[str, ...] = ()
    """Stricter classes its authors declared (hub.cases.declaring)."""

    @property
    def sort(self) -> str:
        """What may be the same fact as this."""
        return SORTS[self.action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the person was at a moment: in which prison, since when, and in which before."""

    prison: OrganisationId | None = None
    since: Instant | None = None
    previous: OrganisationId | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything has been said of where the person is."""
        return self.since is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movements:
    """The latest movements in the order in which they happen, and the place before the first of them."""

    known: tuple[Movement, ...] = ()
    before: Place | None = None
    """None: no movement has been taken yet."""


NONE = Movements()


def place_at(
    movements: Movements,
    moment: Instant | None = None,
    *,
    but: Movement | None = None,
    counting: frozenset[PrisonEventStatus] = HAPPENED,
) -> Place:
    """Return where the person was at a moment, or is in the end, by the movements that have happened.

    `but` is left out; `counting` names the statuses of those that count.
    """
    place = movements.before or Place()
    for movement in movements.known:
        if movement == but or movement.claimed is not None or (moment is not None and movement.at > moment):
            continue
        if movement.status in counting and (place.since is None or movement.at >= place.since):
            place = _after(place, movement)
    return place


def same_fact(movements: Movements, new: Movement) -> Movement | None:
    """Return the movement that is the same fact as a new account of one, or None.

    Its correlation says so, unless the person has moved on in between: one course of events may hold two
    transfers. Without one, that it is of the same sort, from and to the same places, and near in time. What
    was only expected is fulfilled whenever it happens; what is taken back is the last of its sort.
    """
    alike = [each for each in movements.known if each.sort == new.sort]
    named = [each for each in alike if each.fact == new.fact and _may_be_mended(movements, each, new)]
    if named:
        return named[-1]
    places = [each for each in alike if each.status is not Status.RETRACTED and _may_be_one(each, new)]
    happened = [each for each in places if each.status is Status.CONFIRMED]
    expected = [each for each in places if each.status is Status.PROVISIONAL]
    if new.status is Status.RETRACTED:
        return next(iter([*reversed(happened), *reversed(expected)]), None)
    near = [each for each in happened if _is_near(movements, each, new)]
    return next(iter([*reversed(near), *expected]), None)


def with_movement(movements: Movements, new: Movement, *, instead_of: Movement | None) -> Movements:
    """Put a movement in its place in time, in place of what was known of it before."""
    others = tuple(each for each in movements.known if each is not instead_of)
    known = tuple(sorted((*others, new), key=lambda each: each.at))
    return _bounded(replace(movements, known=known))


def death(movements: Movements) -> Movement | None:
    """Return the death of the person, where it has been confirmed."""
    dead = (each for each in movements.known if each.action is Action.DEATH)
    return next((each for each in dead if each.status is Status.CONFIRMED), None)


def expected(movements: Movements) -> Iterable[Movement]:
    """Return the movements that are only expected yet."""
    return (each for each in movements.known if each.status is Status.PROVISIONAL)


def _after(place: Place, movement: Movement) -> Place:
    if movement.action in DEPARTURES:
        prison = None
    elif movement.action in ARRIVALS and movement.reached is not None:
        prison = movement.reached
    else:
        return place
    if prison == place.prison and place.is_known:
        return place
    return Place(prison=prison, since=movement.at, previous=place.prison or movement.left)


def _may_be_one(known: Movement, new: Movement) -> bool:
    """Say whether the places agree as far as both accounts name them."""
    pairs = ((known.left, new.left), (known.reached, new.reached))
    return all(None in pair or pair[0] == pair[1] for pair in pairs)


def _is_near(movements: Movements, known: Movement, new: Movement) -> bool:
    """Say whether two accounts may be of one moment: near in time, with nothing else between them."""
    return abs(known.at - new.at) <= SAME_FACT_MS and not _moved_between(movements, known, new)


def _may_be_mended(movements: Movements, known: Movement, new: Movement) -> bool:
    """Say whether a further word under one correlation is about the movement known, and not the next one."""
    if new.status is Status.RETRACTED:
        return True
    from_there = None in {known.left, new.left} or known.left == new.left
    return from_there and not _moved_between(movements, known, new)


def _moved_between(movements: Movements, known: Movement, new: Movement) -> bool:
    """Say whether the person has moved in between, by what else has happened."""
    first, last = sorted((known.at, new.at))
    others = (each for each in movements.known if each is not known and each.status is Status.CONFIRMED)
    return any(first < each.at < last for each in others)


def _bounded(movements: Movements) -> Movements:
    """Keep the latest; the place they begin from is where the earlier ones led.

    What was taken back goes first: said and taken back ever anew, it would push out what others have said.
    """
    while len(movements.known) > KEPT_MAX:
        taken_back = (each for each in movements.known if each.status is Status.RETRACTED)
        first = next(taken_back, movements.known[0])
        place = place_at(replace(movements, known=(first,)))
        known = tuple(each for each in movements.known if each is not first)
        movements = Movements(known=known, before=place)
    return movements


def said_too(
    movement: Movement, known: Movement, new: Movement, sender: Callable[[MessageId], OrganisationId | None]
) -> Movement:
    """Return a movement with whose word it is now, and in which messages: as was known, and by a new account.

    `sender` tells who sent a message. What the author of the account said before, this account replaces.
    """
    alike = are_alike(known, new)
    told = (*known.said_in, *new.said_in) if alike else new.said_in
    before = known.borne_in if alike else (*known.said_in, *known.borne_in)
    by = known.said_by
    is_anew = known.status is Status.RETRACTED and new.status is not Status.RETRACTED
    if is_anew or not _may_be_one(known, new):
        # Who said that it led elsewhere has not said this, nor whoever's word was taken back.
        before, by = (), by and new.said_by
    words = tuple(dict.fromkeys((*by, *new.said_by)))[:WORDS_MAX]
    return replace(
        movement,
        # Of one from before words were kept it is not known whose it is.
        said_by=words if known.said_by else (),
        by_reference=known.by_reference or new.by_reference,
        said_in=told[:SAID_MAX],
        said_in_more=(alike and known.said_in_more) or len(told) > SAID_MAX,
        borne_in=tuple(each for each in before if sender(each) not in new.said_by)[:SAID_MAX],
        numbered=new.numbered if new.numbered == known.numbered or not alike else "",
    )


def are_alike(known: Movement, new: Movement) -> bool:
    """Say whether two tell the same: the same status, from the same place to the same."""
    return (known.status, known.left, known.reached) == (new.status, new.left, new.reached)
