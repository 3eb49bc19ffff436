"""`hub policy`: check the rules on who may know what, put them in force, read them as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.consent.compile import Policy
    from hub.consent.matrix import Cell
    from hub.messages.envelope import InformationClass

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)

_Folder = Annotated[
    Path | None, typer.Option("--policy", help="Folder of policy files, instead of the hub's own.")
]
_Version = Annotated[str | None, typer.Option("--version", help="Version to name the rules by.")]
_LETTERS = "DGRW"
_LEGEND = (
    "D disclosed · G generalised · R held back by name · W withheld · "
    "lower case: some fields only · +c with consent · +p with a protocol · +s for public protection"
)
_MARKS = {"consent": "c", "protocol": "p", "public protection": "s"}


@app.callback()
def _group() -> None:
    """Check, release and read the rules on who may know what."""


@app.command("check")
def check(
    folder: _Folder = None,
    version: _Version = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Load the rules, validate them and prove every invariant; a policy that breaks one is refused."""
    from time import perf_counter

    from hub.cli.console import show_pairs

    began = perf_counter()
    policy = _compiled(folder, version)
    found = {
        "version": policy.version,
        "digest": policy.digest,
        "rules": policy.proof.rules,
        "states": policy.proof.states,
        "invariants": list(policy.proof.invariants),
        "fields no contract has": _unknown_fields(policy),
    }
    if as_json:
        print(json.dumps(found, indent=2))
        return
    show_pairs(
        (
            ("version", policy.version),
            ("digest", policy.digest),
            ("rules", policy.proof.rules),
            ("states looked at", f"{policy.proof.states:,}"),
            ("invariants proved", len(policy.proof.invariants)),
            ("took", f"{(perf_counter() - began) * 1000:.0f} ms"),
        )
    )
    for name in policy.proof.invariants:
        print(f"    holds  {name}")
    for name in _unknown_fields(policy):
        print(f"    note   a rule names the field {name}, which no contract has in that class")


@app.command("release")
def release(
    folder: _Folder = None,
    version: _Version = None,
) -> None:
    """Prove the rules and put them in force on the running hub, in every partition.

    Messages decided before a partition has passed the release were decided by the old rules; the ledger
    names the policy of every decision. Rules of your own need a version of their own.
    """
    import asyncio

    from hub.app import attached
    from hub.settings import load

    policy = _compiled(folder, version)

    async def put_in_force() -> tuple[str | None, str]:
        """Return the policy before and the one now."""
        async with attached(load()) as hub:
            before = await hub.policy_in_force()
            return before, await hub.release_policy(policy.documents, version=policy.version)

    before, now = asyncio.run(put_in_force())
    print(f"in force already: {now}" if before == now else f"in force: {now} (before: {before or 'none'})")


@app.command("matrix")
def matrix(
    folder: _Folder = None,
    *,
    information_class: Annotated[
        str | None, typer.Option("--class", help="One class, field by field.", metavar="CLASS")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
) -> None:
    """Show who gets what by default: class by role and brokerage rung."""
    from hub.consent.matrix import cells, columns

    policy = _compiled(folder, None)
    heads = [f"{_short(role)}{rung}" for role, rung in columns()]
    found = cells(policy, classes=_classes(information_class))
    rows = list(_rows(found, by_field=information_class is not None))
    title = "field" if information_class is not None else "class"
    _show_table([title, *heads], rows, markdown=markdown)
    print()
    print(_LEGEND)


def _compiled(folder: Path | None, version: str | None) -> Policy:
    """Read, validate and prove the policy of a folder."""
    from hub.consent.compile import compile_policy
    from hub.topics.policy_files import POLICY, POLICY_VERSION, read_policy

    return compile_policy(read_policy(folder or POLICY), version=version or POLICY_VERSION)


def _classes(name: str | None) -> tuple[InformationClass, ...]:
    """Return the class asked for, or all."""
    from hub.consent.parties import nearest
    from hub.errors import NotConfigured
    from hub.messages.envelope import InformationClass

    if name is None:
        return tuple(InformationClass)
    if name not in set(InformationClass):
        message = f"{name} is not an information class{nearest(name, InformationClass)}"
        raise NotConfigured(message)
    return (InformationClass(name),)


def _unknown_fields(policy: Policy) -> list[str]:
    """Return what rules name and no contract has in that class: a slip of the pen, or a field to come."""
    from hub.consent.rules import names_field
    from hub.messages.envelope import MessageName
    from hub.topics.library import SchemaLibrary

    library = SchemaLibrary.load()
    known = {
        (spec.information_class, spec.path)
        for message in MessageName
        for version in library.versions(message)
        for spec in library.contract(message, version).specs
    }
    return sorted(
        {
            f"{information_class}: {entry}"
            for information_class, rules in policy.rules.items()
            for rule in rules
            for entry in rule.fields or ()
            if not entry.startswith("@")
            and not any(c == information_class and names_field(entry, path) for c, path in known)
        }
    )


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
