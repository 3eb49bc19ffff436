"""`hub policy matrix`: the rules as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.policy.arguments import class_named, one_of
from hub.cli.policy.options import Folder, compiled, write_file
from hub.consent.matrix import RUNGS_IN_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.consent.compile import Policy
    from hub.consent.matrix import Cell
    from hub.messages.envelope import InformationClass

_LETTERS = "DGRW"
_LEGEND = (
    "D disclosed · G generalised · R held back by name · W withheld · "
    "lower case: some fields only · +c with consent · +p with a protocol · +s for public protection"
)
_MARKS = {"consent": "c", "protocol": "p", "public protection": "s"}


def matrix(
    folder: Folder = None,
    *,
    information_class: Annotated[
        str | None, typer.Option("--class", help="One class, field by field.", metavar="CLASS")
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option("--purpose", help="For one purpose only, e.g. risk_alert.", metavar="PURPOSE"),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the whole of it as one page for a browser.")
    ] = None,
) -> None:
    """Show who gets what by default: class by role and brokerage rung.

    With --html: class, field, role, rung and purpose, what would change each outcome, and the rules in words.
    """
    from hub.consent.matrix import cells, columns

    policy = compiled(folder, None)
    if html is not None:
        _write_page(policy, html)
        return
    heads = [f"{_short(role)}{rung}" for role, rung in columns()]
    found = _for(cells(policy, classes=_classes(information_class)), purpose)
    rows = list(_rows(found, by_field=information_class is not None))
    title = "field" if information_class is not None else "class"
    _show_table([title, *heads], rows, markdown=markdown)
    print()
    for line in (_LEGEND, *_columns_in_words(columns())):
        print(f"{line}  " if markdown else line)


def _write_page(policy: Policy, file: Path) -> None:
    """Write the page, and say where it is."""
    from hub.consent.matrix_page import matrix_page

    page = matrix_page(policy)
    write_file("--html", file, page)
    print(f"{file}: policy {policy.name}, {len(page.encode()):,} bytes. Open it in a browser.")


def _classes(name: str | None) -> tuple[InformationClass, ...]:
    """Return the class asked for, or all."""
    from hub.messages.envelope import InformationClass

    return tuple(InformationClass) if name is None else (class_named(name),)


def _for(found: Iterator[Cell], name: str | None) -> Iterator[Cell]:
    """Keep the cells of the purpose asked for, or all."""
    from hub.consent.parties import Purpose

    if name is None:
        return found
    purpose = one_of(Purpose, "--purpose", name, "purpose")
    return (cell for cell in found if cell.purpose is purpose)


def _rows(found: Iterator[Cell], *, by_field: bool) -> Iterator[list[str]]:
    """Gather the cells of each row: a class, or a field of one class."""
    gathered: dict[str, dict[tuple[str, int], list[Cell]]] = {}
    for cell in found:
        row = cell.field if by_field else str(cell.information_class)
        gathered.setdefault(row, {}).setdefault((cell.role, cell.rung), []).append(cell)
    for name, columns in gathered.items():
        yield [name, *(_said(own) for own in columns.values())]


def _said(found: Sequence[Cell]) -> str:
    """Say a cell: the best over purposes; lower case where only some fields go; what would change it."""
    best: dict[str, int] = {}
    marks: dict[str, None] = {}
    for cell in found:
        best[cell.field] = min(best.get(cell.field, cell.outcome), cell.outcome)
    for cell in found:
        for change, outcome in cell.changes.items():
            if outcome < best[cell.field]:
                marks[_MARKS[change]] = None
    letter = _LETTERS[min(best.values())]
    text = letter if len(set(best.values())) == 1 else letter.lower()
    return text + (f"+{''.join(marks)}" if marks else "")


def _columns_in_words(found: Iterator[tuple[str, int]]) -> Iterator[str]:
    """Say what the heads of the columns stand for: whose they are, and what their number is."""
    from hub.consent.sentences import ROLES

    roles = dict.fromkeys(role for role, _ in found)
    yield "columns: " + " · ".join(f"{_short(role)} {ROLES[role]}" for role in roles)
    yield f"the number is the rung of the brokerage ladder: {RUNGS_IN_WORDS}"


def _short(role: str) -> str:
    """Shorten a role to its initials."""
    return "".join(word[0].upper() for word in role.split("_"))


def _show_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    """Print a table, as aligned text or as Markdown."""
    widths = [max(len(line[index]) for line in (head, *rows)) for index in range(len(head))]
    lines = [[f"{text:<{width}}" for text, width in zip(line, widths, strict=True)] for line in (head, *rows)]
    if markdown:
        lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        print(f"| {' | '.join(line)} |" if markdown else "  ".join(line).rstrip())
