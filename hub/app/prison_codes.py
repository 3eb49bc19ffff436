"""Refuses a prison code that is another's: by it the hub knows which prison holds somebody (R-DIS-01)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hub.consent.parties import EVERY_PRISON
from hub.errors import WrongArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMED_BY_CODE = re.compile(r"prison-(?P<code>[a-z]{3})")


def check_prison_code(body: Mapping[str, object], in_force: Iterable[Mapping[str, object]]) -> None:
    """Refuse a description by which an organisation would be taken for another prison.

    Of two prisons under one code, one would be told of the people of the other, suspended or not.

    Raises:
        WrongArgument: Another organisation has the code, or the name says another one.
    """
    name, code = str(body["organisation"]), body.get("prison")
    others = {str(each["organisation"]): each.get("prison") for each in in_force}
    is_new = name not in others
    if code == others.pop(name, None):
        # What is in force already is not refused now: whoever has it may still be suspended.
        code = None
    holder = next((other for other, known in sorted(others.items()) if known == code), None)
    if code not in {None, EVERY_PRISON} and holder is not None:
        message = f"{code} is the code of {holder} already, and a code is one prison's"
        fix = (
            f"give {name} its own code; or, if {holder} has the wrong one, first "
            f"`python3 -m hub partner amend {holder} --prison CODE`"
        )
        raise WrongArgument("--prison", message, fix=fix)
    named = _NAMED_BY_CODE.fullmatch(name)
    if named is not None and is_new and body.get("prison") != named["code"].upper():
        message = f"{name} reads as the prison of the code {named['code'].upper()}, and is not that"
        raise WrongArgument("NAME", message, fix="choose another name")
