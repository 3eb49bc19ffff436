"""`hub policy diff`: what a change of the rules changes, cell by cell and in any state there can be."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import EXIT_NOT_VALID
from hub.cli.policy.options import Json
from hub.cli.policy.sides import SIDE_HELP, side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.consent.decision import Outcome
    from hub.consent.policy_diff import CellDifference, PolicyDiff

_WIDTH = 110
_OUTCOMES = ("disclosed", "generalised", "held back by name", "withheld")
_LIMITS = (
    "Compared were the cells of the matrix, class by class every state there can be, and what may be opened "
    "beyond the rules. A text that names what is held back elsewhere, a partner's contract, a class its "
    "author declared and an obligation a recipient cannot perform take away further, and hang on more than "
    "the rules."
)


def diff(
    old: Annotated[str, typer.Argument(help=SIDE_HELP)],
    new: Annotated[str, typer.Argument(help="What it would become: the same.")],
    *,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown.")] = False,
    widening_fails: Annotated[
        bool, typer.Option("--widening-fails", help="Leave with 4 where more would go in any state.")
    ] = False,
) -> None:
    """Show every cell of the matrix that a change of the rules changes, and whether more could ever go."""
    from hub.consent.policy_diff import diff as compare

    found = compare(side(old, "OLD"), side(new, "NEW"))
    if as_json:
        print(json.dumps(_plain(found), indent=2))
    else:
        _show(found, markdown=markdown)
    if widening_fails and found.widens:
        raise typer.Exit(EXIT_NOT_VALID)


def _show(found: PolicyDiff, *, markdown: bool) -> None:
    heading, item = ("## ", "- ") if markdown else ("", "  ")
    print(f"{'# ' if markdown else ''}Policy {found.old} to {found.new}\n")
    if not (found.rules or found.statements or found.cells):
        print("Nothing differs.")
        return
    rows = [*_rows(found.cells)]
    print(f"{heading}In any state ({'more' if found.widens else 'nothing more'} would go)\n")
    for each in found.statements:
        print(f"{item}{each.sentence}. Kinds of field: {each.kinds}.")
    if not found.statements:
        print(f"{item}No class lets more or less go in any state.")
    print(f"\n{heading}Cells of the matrix that differ: {len(found.cells)}\n")
    _table(("class", "field", "role", "purposes", "situation", "before", "after"), rows, markdown=markdown)
    print(f"\n{heading}Rules that differ: {len(found.rules)}\n")
    for rule in found.rules:
        print(f"{item}{rule.rule}: {rule.kind}" + (f" ({', '.join(rule.changed)})" if rule.changed else ""))
    print("\n" + textwrap.fill(_LIMITS, _WIDTH))


def _rows(cells: Sequence[CellDifference]) -> Iterator[tuple[str, ...]]:
    """Gather cells that differ alike, for several purposes and in several situations, into one row."""
    from hub.consent.parties import Purpose

    by_purpose: dict[tuple[str, ...], list[str]] = {}
    for cell in cells:
        who = f"{cell.role.replace('_', ' ')} (rung {cell.rung})"
        for situation, (before, after) in cell.situations.items():
            key = (cell.information_class, cell.field, who, situation, _said(before), _said(after))
            by_purpose.setdefault(key, []).append(cell.purpose.replace("_", " "))
    rows: dict[tuple[str, ...], list[str]] = {}
    for (name, field, who, situation, was, becomes), purposes in by_purpose.items():
        said = "every purpose" if len(purposes) == len(Purpose) else ", ".join(purposes)
        rows.setdefault((name, field, who, said, was, becomes), []).append(situation)
    for (name, field, who, said, was, becomes), situations in rows.items():
        yield name, field, who, said, ", ".join(situations), was, becomes


def _said(outcome: Outcome) -> str:
    return _OUTCOMES[outcome]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    if not rows:
        return
    if markdown:
        print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
        for row in rows:
            print(f"| {' | '.join(row)} |")
        return
    for name, field, who, purposes, situation, was, becomes in rows:
        print(f"  {name}: {field}, {who}: {was}, now {becomes}")
        print(f"      for {purposes}; {situation}")


def _plain(found: PolicyDiff) -> dict[str, object]:
    return {
        "old": found.old,
        "new": found.new,
        "widens": found.widens,
        "cells": [
            {
                "class": each.information_class.value,
                "field": each.field,
                "role": each.role.value,
                "rung": each.rung,
                "purpose": each.purpose.value,
                "widens": each.widens,
                "situations": {
                    situation: {"before": before.name.lower(), "after": after.name.lower()}
                    for situation, (before, after) in each.situations.items()
                },
            }
            for each in found.cells
        ],
        "statements": [
            {
                "where": each.where,
                "direction": each.direction.value,
                "of": each.of,
                "state": each.state,
                "kinds": each.kinds,
            }
            for each in found.statements
        ],
        "rules": [
            {"rule": each.rule, "kind": each.kind, "changed": list(each.changed)} for each in found.rules
        ],
        "not looked at": _LIMITS,
    }
