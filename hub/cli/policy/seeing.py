"""How the answer to who may see a field is shown: who may, who learns only that it is there, who may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cli.policy.answers import OUTCOMES, SCOPES, line
from hub.consent.looking import words_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.consent.compile import Policy
    from hub.messages.envelope import MessageName
    from hub.routing.who_may_see import Sight, WhoMaySee


def show_who(found: WhoMaySee, policy: Policy, *, message: MessageName, everybody: bool) -> None:
    """Say who may see it; with `everybody` also who may not, who is not asked, and who has no part."""
    if not found.may:
        print("Nobody may see it.")
    show_sights(found.may, policy, those="May see:")
    show_sights(found.by_name, policy, those="Told that it is held back, and not what it says:")
    if not everybody:
        return
    show_sights(found.may_not, policy, those="May not:")
    if found.other_parts:
        others = ", ".join(f"{each.organisation} as {each.role}" for each in found.other_parts)
        line(f"Has a part in the case, and no {message} message is for it: {others}")
    line(f"No part in the case now: {', '.join(found.no_part) or 'nobody else on the hub'}")
    if found.named:
        line(f"A {message} message may also concern {found.named}.")
    if found.unknown:
        line(f"Has a part and is not known to the hub: {', '.join(found.unknown)}")


def show_sights(sights: Iterable[Sight], policy: Policy, *, those: str) -> None:
    """Say what each party may see, on which basis, and when; nothing where there is none of them."""
    whom = None
    for number, each in enumerate(sights):
        if number == 0:
            print(those)
        if whom != (each.candidate.organisation, each.candidate.role):
            whom = (each.candidate.organisation, each.candidate.role)
            line(
                f"{each.candidate.organisation} as {each.candidate.role} ({each.candidate.concern})", indent=2
            )
        basis = f", on {each.item.basis}" if each.item.basis and each.gate is None else ""
        when = f", only of a message that {' and '.join(each.only_when)}" if each.only_when else ""
        line(f"{each.item.path}{SCOPES[each.item.scope]}: {OUTCOMES[each.outcome]}{basis}{when}", indent=4)
        rules = each.item.rules if each.gate is None else ()
        line(f"{each.reason}: {words_for(policy, each.reason, rules)}", indent=6)
        if rules:
            line(f"by {', '.join(rules)}", indent=6)
        if each.items_held:
            line(f"but for the items {', '.join(each.items_held)}, which the OM holds back", indent=6)
