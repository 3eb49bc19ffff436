"""Findings as people and as programs read them, and the exit code that follows."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import typer

from hub.cli.console import EXIT_NOT_VALID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.topics.findings import Finding

_WIDTH = 110
_WORST = ("refused", "sign-off", "warning")


def verdict(findings: Sequence[Finding]) -> str:
    """Return the worst of the findings in a word: refused, sign-off, warning, or ok."""
    weights = {each.weight.value for each in findings}
    return next((word for word in _WORST if word in weights), "ok")


def show(
    findings: Sequence[Finding], *, as_json: bool, well: str, more: Mapping[str, object] | None = None
) -> None:
    """Print findings, worst first, and leave with 4 where one stops a release.

    Args:
        findings: what was found.
        as_json: print one JSON object: verdict, findings, and `more`.
        well: what to say where nothing stops a release.
        more: further members of the JSON object.
    """
    found = verdict(findings)
    stops = found in _WORST[:2]
    if as_json:
        rows = [_plain(each) for each in findings]
        print(json.dumps({"verdict": found, **(more or {}), "findings": rows}, indent=2, ensure_ascii=False))
    else:
        for each in sorted(findings, key=lambda one: _WORST.index(one.weight.value)):
            _print(each)
        print(f"{len(findings)} finding(s): {found}." if stops else well)
    if stops:
        raise typer.Exit(EXIT_NOT_VALID)


def _plain(finding: Finding) -> dict[str, str]:
    return {
        "rule": finding.rule,
        "weight": finding.weight.value,
        "schema": finding.schema,
        "path": finding.where,
        "what": finding.what,
        "old": finding.old,
        "new": finding.new,
        "fix": finding.fix,
    }


def _print(finding: Finding) -> None:
    place = f"{finding.schema}  {finding.where}".rstrip()
    print(f"{finding.weight.value:<9} {place}  [{finding.rule}]")
    print(wrapped(finding.what, 4))
    if finding.old or finding.new:
        print(wrapped(f"was {finding.old or 'not there'}; is {finding.new or 'not there'}", 4))
    if finding.fix:
        print(wrapped(f"to mend it: {finding.fix}", 4))


def wrapped(text: str, indent: int) -> str:
    """Return text in lines that fit a terminal."""
    space = " " * indent
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=space,
        subsequent_indent=space,
        break_on_hyphens=False,
        break_long_words=False,
    )
