"""Query parameters and headers that cannot be used; a parameter the address does not know is refused, too.

A filter that is mistyped would else answer as if nothing had been asked for; a mistyped `dry_run` would send.
The faces that speak another's protocol (MESH, the schema registry) do in this as their models do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hub.adapters.gateway.problems import ProblemError
from hub.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request

FAULTS_MAX = 10
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_FIXES = {
    "enum": "give {expected}",
    "literal_error": "give {expected}",
    "greater_than_equal": "give at least {ge}",
    "less_than_equal": "give at most {le}",
    "string_too_long": "give at most {max_length} characters",
    "int_parsing": "give a whole number",
    "bool_parsing": "give true or false",
    "missing": "give it",
    "string_pattern_mismatch": "write it to match {pattern}",
}
"""How a fault is mended, by the name it has with who found it; none of it says what was given."""


def check_known(request: Request) -> None:
    """Refuse a request that has a query parameter its address does not know, or one twice.

    Raises:
        ProblemError: parameter-invalid; it names the parameters at fault, and those that are known.

    """
    given = [name for name, _ in request.query_params.multi_items()]
    if not given:
        return
    known = sorted(field.alias for field in request.scope["route"].dependant.query_params)
    unknown = f"not known here; known: {', '.join(known)}" if known else "this address takes none"
    faults = [
        Fault(pointer=_pointer(name), rule="unknown", fix=unknown) for name in given if name not in known
    ]
    twice = sorted(name for name in known if given.count(name) > 1)
    faults += [Fault(pointer=_pointer(name), rule="unique", fix="give it once") for name in twice]
    if faults:
        code = "parameter-invalid"
        raise ProblemError(code, faults=tuple(dict.fromkeys(faults))[:FAULTS_MAX])


def faults_in(errors: Sequence[Any]) -> tuple[Fault, ...]:
    """Return what is wrong with the parameters and headers an address knows: which, and what would do."""
    asked = {f"?{each['loc'][-1]}": each for each in errors if each["loc"][0] == "query"}
    found = asked | {str(each["loc"][-1]): each for each in errors if each["loc"][0] == "header"}
    return tuple(Fault(pointer=name, rule="parameter", fix=_fix(found[name])) for name in sorted(found))


def _fix(error: Any) -> str:  # noqa: ANN401 - as pydantic has it
    wanted = _FIXES.get(error["type"])
    return "see its bounds in /openapi.json" if wanted is None else wanted.format(**error.get("ctx", {}))


def _pointer(name: str) -> str:
    """Name a parameter, unless the name is no name: that is any text from outside, and is not repeated."""
    return f"?{name}" if _NAME.fullmatch(name) else "?"
