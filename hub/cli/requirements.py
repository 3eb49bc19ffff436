"""`hub requirements`: what the hub must do, where that comes from, and which tests show it.

A requirement is shown when a test that enters by a public door and reads a recipient's side names it, and
every test that names it passed when it last ran. What no such test names is open, never passed.
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from hub.installation.home import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

OUTCOMES = "hub/outcomes"
"""Where pytest's cache keeps how each test ended when it last ran (tests/conftest.py writes it)."""
_CACHE = CHECKOUT / ".pytest_cache" / "v" / OUTCOMES
_LIST = CHECKOUT / "tests" / "requirements.yaml"
EXIT_FAILED = 1


class State(StrEnum):
    """How far a requirement is shown to be met."""

    OPEN = "open"
    """No test names it."""
    IN_PART = "in part"
    """Tests name it, none of which comes in by a public door."""
    SHOWN = "shown"
    """A test that comes in by a public door names it; how the tests ended is not known of all."""
    PASSED = "passed"
    """That, and every test that names it passed when it last ran."""
    FAILED = "failed"
    """A test that names it failed when it last ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A test function that names requirements."""

    name: str
    """As pytest has it, but for parameters: `tests/unit/test_x.py::test_y`."""
    by_public_door: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement, and what is known of it."""

    name: str
    group: str
    text: str
    source: str
    tests: tuple[Test, ...]
    state: State


def command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these, whole: text, source, every test. E.g. R-CASE-06.")
    ] = None,
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The table of docs/reference/requirements.md, without runs.")
    ] = False,
) -> None:
    """Print every requirement with its source, its tests and its state.

    States: open (no test names it), in part (tests do, none of them by a public door), shown (one does),
    passed or failed (as the tests ended when they last ran here; run `hub test` first).
    """
    found = requirements(outcomes={} if markdown else last_outcomes())
    if markdown:
        print(page(found), end="")
        return
    if names:
        _show_whole(found, names)
        return
    for one in found:
        doors = sum(test.by_public_door for test in one.tests)
        print(
            f"{one.name:<10}  {one.state:<8} {len(one.tests):>4} tests, {doors:>3} by a public door"
            f"  {one.source}"
        )
    counts = {state: sum(one.state is state for one in found) for state in State}
    print(", ".join(f"{number} {state}" for state, number in counts.items() if number) + ".")
    if counts[State.FAILED]:
        raise typer.Exit(EXIT_FAILED)


def requirements(*, outcomes: Mapping[str, str]) -> tuple[Requirement, ...]:
    """Return every requirement of this checkout; `outcomes` says how tests ended, by name.

    Raises:
        NotConfigured: There is no list of requirements here, or a test names one that is not on it.
    """
    import yaml

    from hub.errors import NotConfigured

    if not _LIST.is_file():
        message = "the requirements are not installed with the hub"
        raise NotConfigured(message, fix="run this in a checkout of the repository")
    listed = yaml.safe_load(_LIST.read_text(encoding="utf-8"))
    naming = naming_tests(CHECKOUT / "tests")
    known = {name for group in listed.values() for name in group}
    unknown = sorted(set(naming) - known)
    if unknown:
        where = naming[unknown[0]][0].name
        message = f"{where} names {unknown[0]}, which is no requirement"
        raise NotConfigured(message, fix="name one of tests/requirements.yaml")
    return tuple(
        Requirement(
            name=name,
            group=group,
            text=said["text"],
            source=said["source"],
            tests=tuple(naming.get(name, ())),
            state=_state(naming.get(name, ()), outcomes),
        )
        for group, members in listed.items()
        for name, said in members.items()
    )


def last_outcomes() -> dict[str, str]:
    """Return how each test ended when it last ran in this checkout."""
    try:
        return dict(json.loads(_CACHE.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def naming_tests(folder: Path) -> dict[str, list[Test]]:
    """Return the tests that name each requirement, read from their source."""
    found: dict[str, list[Test]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        everywhere = [mark for node in tree.body if _is_pytestmark(node) for mark in _marks(node)]
        place = path.relative_to(folder.parent).as_posix()
        for name, node, inherited in _test_functions(tree.body, everywhere):
            marks = [*inherited, *(mark for each in node.decorator_list for mark in _marks(each))]
            door = any(mark == "public_door" for mark, _ in marks)
            for requirement in dict.fromkeys(said for mark, said in marks if mark == "requirement"):
                found[requirement].append(Test(name=f"{place}::{name}", by_public_door=door))
    return found


def page(found: Iterable[Requirement]) -> str:
    """Return docs/reference/requirements.md: every requirement, its source and where it is shown."""
    lines = [
        "# What the hub must do",
        "",
        "Made by `python3 -m hub requirements --markdown`; `python3 -m hub requirements` also says how",
        "tests ended when they last ran. Sources: 000 to 004 are the documents of the Offender Management",
        "Model, law is statute, own is what the hub adds. *Open*: no test names it. *In part*: tests do,",
        "none that comes in by a public door and reads a recipient's side. *Shown*: one does, in **bold**.",
    ]
    group = ""
    for one in found:
        if one.group != group:
            group = one.group
            lines += [
                "",
                f"## {group}",
                "",
                "| id | what | source | state | tests |",
                "|---|---|---|---|---|",
            ]
        lines.append(
            f"| {one.name} | {_cell(one.text)} | {_cell(one.source)} | {one.state} | {_files(one.tests)} |"
        )
    return "\n".join([*lines, ""])


def _files(tests: Iterable[Test]) -> str:
    """Return the files of some tests with how many of each, those by a public door first and in bold."""
    counts: dict[tuple[bool, str], int] = defaultdict(int)
    for test in tests:
        counts[not test.by_public_door, test.name.partition("::")[0].removeprefix("tests/")] += 1
    return ", ".join(
        f"{'' if inside else '**'}{file}{'' if inside else '**'} ({number})"
        for (inside, file), number in sorted(counts.items())
    )


def _state(tests: Iterable[Test], outcomes: Mapping[str, str]) -> State:
    tests = tuple(tests)
    if not tests:
        return State.OPEN
    ended = [outcomes.get(test.name) for test in tests]
    if "failed" in ended:
        return State.FAILED
    if not any(test.by_public_door for test in tests):
        return State.IN_PART
    return State.PASSED if all(one == "passed" for one in ended) else State.SHOWN


def _show_whole(found: Iterable[Requirement], names: Iterable[str]) -> None:
    from hub.errors import WrongArgument

    known = {one.name: one for one in found}
    for name in names:
        if name not in known:
            message = f"there is no requirement {name}"
            raise WrongArgument("NAMES", message, fix="`hub requirements` lists all of them")
        one = known[name]
        print(f"{one.name}  {one.state}  [{one.source}]\n  {one.text}")
        for test in one.tests:
            print(f"  {'door ' if test.by_public_door else '     '} {test.name}")


def _test_functions(
    body: Iterable[ast.stmt], inherited: list[tuple[str, str]], within: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, list[tuple[str, str]]]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield f"{within}{node.name}", node, inherited
        elif isinstance(node, ast.ClassDef):
            own = [mark for each in node.decorator_list for mark in _marks(each)]
            yield from _test_functions(node.body, [*inherited, *own], f"{within}{node.name}::")


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
    )


def _marks(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Return the marks below a node, each with its first argument where that is a text."""
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and each.attr == "public_door":
            yield each.attr, ""
        elif (
            isinstance(each, ast.Call)
            and isinstance(each.func, ast.Attribute)
            and each.func.attr == "requirement"
        ):
            yield from (
                ("requirement", one.value)
                for one in each.args
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
