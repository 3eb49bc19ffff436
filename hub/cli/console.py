"""How the command line speaks: errors alike everywhere, and plain aligned lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hub.errors import HubError, InvalidBody, Unreachable, WrongArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hub.adapters.database.remedied import By

EXIT_NOT_VALID = 4
EXIT_UNREACHABLE = 5


def exit_code(error: HubError) -> int:
    """5 where something did not answer, else 4: what was asked is not valid as things stand."""
    return EXIT_UNREACHABLE if isinstance(error, Unreachable) else EXIT_NOT_VALID


def show_error(error: HubError) -> None:
    """What is wrong, where, and how to mend it, on standard error; never a value."""
    lines = [f"hub: {error}", f"  code: {error.code}"]
    if isinstance(error, InvalidBody):
        lines += [f"  at {fault.pointer or '/'}: {fault.rule}; {fault.fix}" for fault in error.faults]
    if error.fix:
        lines.append(f"  to mend it: {error.fix}")
    print("\n".join(lines), file=sys.stderr)


def show_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one pair a line, aligned."""
    rows = [(name, str(value)) for name, value in pairs]
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")


def confirmed(question: str, *, yes: bool, look: str = "look with --dry-run") -> bool:
    """Whether somebody who was shown what would be done says yes; who cannot be asked says it by --yes."""
    import typer

    if yes:
        return True
    if not sys.stdin.isatty():
        message = "nobody can be asked whether this is to be done"
        raise WrongArgument("--yes", message, fix=f"{look}, then give --yes")
    if typer.confirm(question):
        return True
    print("Nothing was done.")
    return False


def done_by(name: str | None, why: str | None) -> By:
    """Return who does something by hand and why, as it is recorded; WrongArgument where it is not said."""
    from hub.adapters.database.remedied import TEXT_LENGTH_MAX, By
    from hub.app.consulting import user

    for option, said in (("--by", name), ("--why", why)):
        if not said or not said.strip() or len(said) > TEXT_LENGTH_MAX:
            message = f"who does this, and why, is recorded, and {option} does not say it"
            fix = f"give {option} with at most {TEXT_LENGTH_MAX} characters; name nobody a case is about"
            raise WrongArgument(option, message, fix=fix)
    return By(who=user(), name=(name or "").strip(), why=(why or "").strip())


def show_table(columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows under their headings, each column as wide as it needs to be."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
