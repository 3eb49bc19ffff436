"""What if: who would be told what of a message, were something otherwise (R-DIS-08).

The answer is the router's own: the record goes through `route`, once on the world as it is and once on the
world as supposed, and nothing it causes is kept. So it is what a real post would have caused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.consent.decision import Outcome
from hub.consent.parties import not_among
from hub.routing.route import route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hub.cases.case import Case
    from hub.cases.profile import Profile
    from hub.consent.compile import Policy
    from hub.consent.decision import Decision, FieldDecision, Scope
    from hub.consent.parties import Organisation
    from hub.consent.partner_contracts import Direction, PartnerContract
    from hub.messages.envelope import Entry, MessageName, Role
    from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
    from hub.routing.outcome import Contracts, Result, Timer, View
    from hub.routing.supposing import Supposition

Place = tuple["MessageId", "OrganisationId", "Role"]


@dataclass(frozen=True, slots=True)
class Supposed:
    """A view in which something is otherwise (hub.routing.outcome.View)."""

    view: View
    suppositions: tuple[Supposition, ...]
    now: Instant
    released: Policy | None = None
    """The rules in force instead; None: those of the view."""
    unseen: frozenset[MessageId] = frozenset()
    """Messages that are looked at as if they came for the first time."""

    @property
    def contracts(self) -> Contracts:
        """Return the fields of every contract."""
        return self.view.contracts

    def case(self, ref: CaseRef) -> Case | None:
        """Return the case as supposed."""
        case = self.view.case(ref)
        for each in self.suppositions if case is not None else ():
            case = case and each.on_case(case, self.now)
        return case

    def seen(self, message: MessageId) -> str | None:
        """Return the digest under which a message was taken, but for those looked at anew."""
        return None if message in self.unseen else self.view.seen(message)

    def sender(self, message: MessageId) -> OrganisationId | None:
        """Return who sent a message."""
        return self.view.sender(message)

    def sort(self, message: MessageId) -> MessageName | None:
        """Return what sort of message it is."""
        return self.view.sort(message)

    def organisation(self, organisation: OrganisationId) -> Organisation | None:
        """Return an organisation as supposed."""
        found = self.view.organisation(organisation)
        return None if found is None else self._supposed(found)

    def organisations(self) -> Iterable[Organisation]:
        """Return all organisations as supposed."""
        return tuple(self._supposed(each) for each in self.view.organisations())

    def partner_contracts(
        self, organisation: OrganisationId, message: MessageName, direction: Direction
    ) -> Iterable[PartnerContract]:
        """Return what was agreed with an organisation."""
        return self.view.partner_contracts(organisation, message, direction)

    def profile(self, jurisdiction: str) -> Profile:
        """Return the profile of a jurisdiction."""
        return self.view.profile(jurisdiction)

    def policy(self) -> Policy | None:
        """Return the rules supposed to be in force."""
        return self.view.policy() if self.released is None else self.released

    def release(self, name: str) -> Mapping[str, object] | None:
        """Return a policy release; what is to come is as it is."""
        return self.view.release(name)

    def read_back(self, case: CaseRef, offset: int) -> Entry | None:
        """Return a record of the log; what was said was said, whatever is supposed."""
        return self.view.read_back(case, offset)

    def timers_due(self, now: Instant) -> Iterable[Timer]:
        """Return the timers whose time has come."""
        return self.view.timers_due(now)

    def _supposed(self, organisation: Organisation) -> Organisation:
        for each in self.suppositions:
            organisation = each.on_organisation(organisation, self.now)
        return organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDiffers:
    """A field that would have another outcome; what a recipient does not get at all is withheld."""

    path: str
    scope: Scope
    before: Outcome | None
    """None: it was not decided on."""
    after: Outcome | None
    reason_before: str | None
    reason_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """One recipient of one message for whom something would be otherwise."""

    before: Decision | None
    """None: it was not a candidate."""
    after: Decision | None
    fields: tuple[FieldDiffers, ...]

    @property
    def decision(self) -> Decision:
        """Whichever of the two there is; to say whom it is about."""
        found = self.after or self.before
        if found is None:
            message = "a difference is one between two decisions, or of one that is not there"
            raise ValueError(message)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What a record causes as things are, and what it would cause."""

    as_is: Result
    supposed: Result
    differs: tuple[Differs, ...]


def what_if(
    entry: Entry,
    view: View,
    suppositions: Sequence[Supposition] = (),
    *,
    now: Instant,
    policy: Policy | None = None,
    unseen: frozenset[MessageId] = frozenset(),
) -> WhatIf:
    """Route a record twice, as things are and as supposed, and compare the decisions.

    Args:
        entry: The record, as it stands in the log or would.
        view: The world it is routed in.
        suppositions: What is otherwise.
        now: The moment of decision.
        policy: Rules in force instead of those of the view.
        unseen: Messages taken already that are looked at as if they came for the first time.

    Raises:
        WrongArgument: A supposition is about an organisation the hub does not know.
    """
    check_known(suppositions, view)
    as_is = route(entry, Supposed(view, (), now, unseen=unseen), now)
    supposed = route(entry, Supposed(view, tuple(suppositions), now, policy, unseen), now)
    return WhatIf(
        as_is=as_is, supposed=supposed, differs=tuple(_compared(as_is.decisions, supposed.decisions))
    )


def check_known(suppositions: Iterable[Supposition], view: View) -> None:
    """Refuse a supposition about an organisation there is not; it would change nothing, silently."""
    known = [str(each.organisation) for each in view.organisations()]
    for each in suppositions:
        if each.organisation is not None and each.organisation not in known:
            raise not_among(
                each.argument,
                each.organisation,
                "organisation",
                known,
                fix="see `python3 -m hub partner list`",
            )


def outcome_of(decision: Decision, item: FieldDecision) -> Outcome:
    """Return what becomes of a field in the end: of what is not delivered, nothing goes."""
    return item.outcome if decision.delivers else Outcome.WITHHOLD


def _compared(before: Iterable[Decision], after: Iterable[Decision]) -> Iterable[Differs]:
    old = {_place(each): each for each in before}
    new = {_place(each): each for each in after}
    for place in dict.fromkeys((*old, *new)):
        one, other = old.get(place), new.get(place)
        fields = tuple(_fields_differ(one, other))
        if fields or (one is None) != (other is None) or (one and one.gate) != (other and other.gate):
            yield Differs(before=one, after=other, fields=fields)


def _place(decision: Decision) -> Place:
    return (decision.message, decision.candidate.organisation, decision.candidate.role)


def _fields_differ(before: Decision | None, after: Decision | None) -> Iterable[FieldDiffers]:
    old, new = _outcomes(before), _outcomes(after)
    for key in dict.fromkeys((*old, *new)):
        (one, why), (other, why_now) = old.get(key, (None, None)), new.get(key, (None, None))
        if (Outcome.WITHHOLD if one is None else one) is not (Outcome.WITHHOLD if other is None else other):
            yield FieldDiffers(
                path=key[0], scope=key[1], before=one, after=other, reason_before=why, reason_after=why_now
            )


def _outcomes(decision: Decision | None) -> Mapping[tuple[str, Scope], tuple[Outcome, str]]:
    if decision is None:
        return {}
    return {(item.path, item.scope): (outcome_of(decision, item), item.reason) for item in decision.fields}
