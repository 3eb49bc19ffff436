"""`hub policy show`: every rule, or one, in a sentence."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.policy.options import Folder, Version, compiled

if TYPE_CHECKING:
    from hub.consent.compile import Policy

_WIDTH = 100


def show(
    rule_id: Annotated[
        str | None, typer.Argument(metavar="[RULE]", help="A rule's id, e.g. risk.referral.")
    ] = None,
    folder: Folder = None,
    version: Version = None,
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As the page docs/reference/policy-rules.md.")
    ] = False,
) -> None:
    """Say every rule in a sentence; of one rule also what its recipients may read, and who answers for it."""
    from hub.consent.rules_page import reference, sections, sentences

    policy = compiled(folder, version)
    if rule_id is not None:
        _show_one(policy, rule_id)
        return
    if markdown:
        print(reference(policy), end="")
        return
    said = sentences(policy)
    for title, rules in sections(policy).items():
        print(f"{title}\n")
        for rule in rules:
            print(f"  {rule.rule}")
            print(_wrapped(said[rule.rule].text, "    "))
        print()


def _show_one(policy: Policy, rule_id: str) -> None:
    """Show all there is to one rule."""
    from hub.cli.console import show_pairs
    from hub.consent.rules_page import rule_named, sentences

    rule = rule_named(policy, rule_id)
    print(_wrapped(sentences(policy)[rule.rule].text, ""))
    show_pairs(
        (
            ("reason", rule.reason),
            ("recipients read", rule.tells or "nothing"),
            ("owner", rule.owner),
            ("review by", rule.review_by),
            ("policy", policy.name),
        )
    )


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
