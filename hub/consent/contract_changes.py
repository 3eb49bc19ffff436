"""What may be put in force in the place of a contract that is, and what may not be begun any more.

Partners rely on what was signed: what lets more or less through is another contract, with a number of its
own, and an end is announced before it comes (R-MSG-12).
"""

from __future__ import annotations

from collections.abc import Iterable

from hub.consent.partner_contracts import PartnerContract, Phase
from hub.errors import NotConfigured
from hub.messages.identifiers import Instant

_FIXED = ("direction", "oldest", "newest", "view", "purposes", "effective")
"""What cannot change once a contract is in effect."""


def check_open_to_new(terms: PartnerContract, *, now: Instant) -> None:
    """Refuse a new subscriber to what is coming to its end; NotConfigured names what to take instead."""
    if is_open_to_new(terms, now=now):
        return
    message = f"{terms.partner}: the contract {terms.name} is {terms.phase(now)} and takes no new subscriber"
    after = terms.alternative or "the contract that follows it"
    raise NotConfigured(message, fix=f"agree {after}")


def is_open_to_new(terms: PartnerContract, *, now: Instant) -> bool:
    """Tell whether somebody who does not have the contract may still be given it."""
    return terms.phase(now) in {Phase.AGREED, Phase.IN_FORCE}


def check_change(before: PartnerContract | None, terms: PartnerContract, *, now: Instant) -> None:
    """Refuse what may not be put in force in the place of what is; None: nothing is there.

    Raises:
        NotConfigured: It is new and deprecated already, or lets through other than the one of its name,
            or ends without having been announced, or has ended and would hold again.
    """
    if before is None:
        check_open_to_new(terms, now=now)
        return
    label = f"{terms.partner}: {terms.name}"
    if before.phase(now).has_ended and not terms.phase(now).has_ended:
        message = f"{label} has ended, and would hold again"
        raise NotConfigured(message, fix=f"leave it and agree {terms.message}.v{terms.number + 1}")
    if terms.sunset is not None and terms.sunset != before.sunset and terms.sunset <= now:
        message = f"{label} would have ended already, and nobody was told before"
        raise NotConfigured(
            message, fix="set a sunset that is still to come; the partner is warned till then"
        )
    if before.phase(now) is Phase.AGREED:
        check_open_to_new(terms, now=now)
    else:
        changed = [name for name in _FIXED if getattr(before, name) != getattr(terms, name)]
        if changed:
            message = f"{label} is in effect, and its {', '.join(changed)} would change"
            raise NotConfigured(message, fix=f"leave it and agree {terms.message}.v{terms.number + 1}")
    if not before.ids.items() <= terms.ids.items():
        message = f"{label} has an id that its records bear, and that would change"
        raise NotConfigured(message, fix="restore contracts/registry.yaml: an id once given stands")


def to_put_in_force(
    agreed: Iterable[PartnerContract], known: Iterable[PartnerContract], *, now: Instant
) -> tuple[PartnerContract, ...]:
    """Return what is to be put in force of a partner's contracts, in their order; all is checked first.

    One that is new here and coming to its end, or past it, is left out where a later one on the same message
    is in force: whoever is new gets that.

    Raises:
        NotConfigured: As `check_change`.
    """
    before = {_place(each): each for each in known}
    wanted = tuple(agreed)
    latest: dict[tuple[object, ...], int] = {}
    for each in wanted:
        if each.phase(now) is Phase.IN_FORCE:
            latest[each.line] = max(each.number, latest.get(each.line, 0))
    found = []
    for each in wanted:
        new = _place(each) not in before
        if new and not is_open_to_new(each, now=now) and each.number < latest.get(each.line, 0):
            continue
        check_change(before.get(_place(each)), each, now=now)
        if before.get(_place(each)) != each:
            found.append(each)
    return tuple(found)


def _place(terms: PartnerContract) -> tuple[object, ...]:
    return (*terms.line, terms.number)
