"""Whom messages of a type concern before there is one: what `concerned` would find, whatever such a one says.

Most parties every message of the type concerns; some only a message that says something of its own: a line
manager is told by exception only, a service manager of an evaluation of what it provided. Whoever only the
message itself would name is no party yet; for these types `NAMES` says who that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.cases.reports import BREAK_GLASS_USED, FOR_LINE_MANAGER, YOUR_DELIVERY_PARKED
from hub.consent.decision import Candidate, Concern
from hub.messages.envelope import MessageName, Role
from hub.messages.read import BODIES
from hub.routing.concern import attending, having_part
from hub.routing.relevance import ALWAYS, relevances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.case import Case
    from hub.messages.identifiers import Instant, OrganisationId
    from hub.routing.outcome import View

NAMES: Mapping[MessageName, str] = {
    MessageName.REFERRAL: "the provider it is made to",
    MessageName.TEAM_CHANGE: "whoever it appoints",
    MessageName.PRISON_EVENT: "the prisons it names",
}
"""Whom a message of a type concerns though they have no part in the case before it."""
_BY_EXCEPTION = "speaks of an override or an order of a court"
_EVALUATED = "evaluates what it provided"
Place = tuple["OrganisationId", Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody whom messages of a type concern, and which of them."""

    candidate: Candidate
    relevances: tuple[bool | None, ...]
    """What such a message can be for their own work."""
    only_when: tuple[str, ...] = ()
    """What a message must be to concern them at all, in words; empty: every message of the type does."""
    referrals: tuple[str, ...] | None = None
    """The referrals it must be about; None: it may be about any, or none."""

    @property
    def place(self) -> Place:
        """Organisation and role."""
        return (self.candidate.organisation, self.candidate.role)


def parties(view: View, case: Case, message: MessageName, now: Instant) -> tuple[Party, ...]:
    """Return whom messages of a type concern now, as far as that does not hang on whom they name."""
    if message is MessageName.EXCEPTION:
        return tuple(_of_reports(view, case, now))
    found = [
        Party(candidate=each, relevances=relevances(BODIES[message], each.role))
        for each in having_part(case, view, now)
        if message is not MessageName.RECEIPT or each.role in ALWAYS
    ]
    known = {each.place for each in found}
    more = _MORE.get(message, _nobody)(view, case, now)
    return (*found, *(each for each in more if each.place not in known))


def other_parts(view: View, case: Case, now: Instant, besides: Iterable[Party]) -> tuple[Candidate, ...]:
    """Return everybody else with a part in the case: messages of the type are not for them."""
    every = (*having_part(case, view, now), *attending(case, view, now, code=BREAK_GLASS_USED))
    by_place = {(each.organisation, each.role): each for each in reversed(every)}
    known = {each.place for each in besides}
    return tuple(each for place, each in sorted(by_place.items()) if place not in known)


def _of_reports(view: View, case: Case, now: Instant) -> Iterator[Party]:
    """Yield whom exception reports are for: those who attend to all of them, then those told some."""
    always = attending(case, view, now)
    for each in always:
        yield Party(candidate=each, relevances=(True,))
    some: dict[Place, tuple[Candidate, list[str]]] = {}
    for code in sorted(FOR_LINE_MANAGER):
        for each in attending(case, view, now, code=code):
            some.setdefault((each.organisation, each.role), (each, []))[1].append(code)
    for each in having_part(case, view, now):
        told = replace(each, concern=Concern.EXCEPTION)
        some.setdefault((each.organisation, each.role), (told, []))
    known = {(each.organisation, each.role) for each in always}
    for place, (candidate, codes) in some.items():
        if place not in known:
            # Whose delivery a contract's end kept back is told that, whoever they are.
            words = f"is the report {' or '.join((*codes, YOUR_DELIVERY_PARKED))}"
            yield Party(candidate=candidate, relevances=(True, False, None), only_when=(words,))


def _overseeing(view: View, case: Case, now: Instant) -> Iterator[Party]:
    """Yield the line managers, who are told what is opened beyond the rules (R-DIS-07)."""
    for each in attending(case, view, now, code=BREAK_GLASS_USED):
        if each.role is Role.LINE_MANAGER:
            yield Party(candidate=each, relevances=(False,), only_when=(_BY_EXCEPTION,))


def _evaluated(_view: View, case: Case, _now: Instant) -> Iterator[Party]:
    """Yield the providers whose outcomes an evaluation may tell of, whatever became of their referrals."""
    for provider in dict.fromkeys(each.provider for each in case.referrals):
        yield Party(
            candidate=_provider(provider, Role.SERVICE_MANAGER),
            relevances=(True,),
            only_when=(_EVALUATED,),
        )


def _referred(_view: View, case: Case, _now: Instant) -> Iterator[Party]:
    """Yield the providers of referrals that are over: a message about one still concerns them."""
    own: dict[OrganisationId, list[str]] = {}
    for each in case.referrals:
        own.setdefault(each.provider, []).append(each.referral)
    for provider, referrals in own.items():
        yield Party(
            candidate=_provider(provider, Role.KEY_WORKER),
            relevances=(True,),
            only_when=(f"is about {' or '.join(referrals)}",),
            referrals=tuple(referrals),
        )


def _nobody(_view: View, _case: Case, _now: Instant) -> Iterator[Party]:
    yield from ()


def _provider(organisation: OrganisationId, role: Role) -> Candidate:
    return Candidate(organisation=organisation, role=role, persons=frozenset(), concern=Concern.REFERRED)


_MORE = {
    MessageName.CONSENT: _overseeing,
    MessageName.EVALUATION: _evaluated,
    MessageName.REFERRAL: _referred,
}
"""Who, of messages of a type, is told some only."""
