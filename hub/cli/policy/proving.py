"""`hub policy prove`: each invariant by itself, how many states were looked at, and what breaks it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.policy.options import Folder, Json, rules_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.consent.rules import Rule
    from hub.messages.envelope import InformationClass

Name = Annotated[str | None, typer.Option("--invariant", help="Prove this one only, by name.")]


def prove(folder: Folder = None, name: Name = None, *, as_json: Json = False) -> None:
    """Prove every invariant of the rules by looking at every state, one after the other.

    Says of each how many states were looked at, how long that took, and whether it holds. Where it does
    not, a state in which it does not, and which rules permit it; the exit code is then 4.
    """
    from hub.cli.console import EXIT_NOT_VALID
    from hub.consent.compile import read_rules
    from hub.consent.parties import not_among
    from hub.consent.prove import PROVED
    from hub.topics.policy_files import read_policy

    if name is not None and name not in PROVED:
        raise not_among("--invariant", name, "invariant", PROVED)
    read, rules = read_rules(read_policy(rules_folder(folder)))
    found = list(_proved(tuple(read.gates), rules, (name,) if name else tuple(PROVED)))
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _show(found)
    if any(each["counterexamples"] for each in found):
        raise typer.Exit(EXIT_NOT_VALID)


def _proved(
    gates: tuple[Rule, ...], rules: Mapping[InformationClass, tuple[Rule, ...]], names: tuple[str, ...]
) -> Iterator[dict[str, object]]:
    """Prove invariants one at a time."""
    from time import perf_counter

    from hub.consent.prove import PROVED, prove_rules

    for name in names:
        began = perf_counter()
        proof = prove_rules(gates, rules, names=(name,))
        yield {
            "invariant": name,
            "otherwise": PROVED[name],
            "states": proof.states,
            "milliseconds": round((perf_counter() - began) * 1000, 1),
            "holds": not proof.violations,
            "counterexamples": [each.sentence for each in proof.violations],
        }


def _show(found: list[dict[str, object]]) -> None:
    """Print one line for each invariant, and its counterexamples below it."""
    width = max(len(str(each["invariant"])) for each in found)
    for each in found:
        word = "holds" if each["holds"] else "BREAKS"
        print(
            f"  {word:<6}  {each['invariant']:<{width}}  {each['states']:>11,} states"
            f"  {each['milliseconds']:>7} ms"
        )
        counterexamples = each["counterexamples"]
        for sentence in counterexamples if isinstance(counterexamples, list) else ():
            print(f"          {sentence}")
