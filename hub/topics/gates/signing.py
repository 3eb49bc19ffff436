"""Sign-offs: who answers for a change that a gate leaves to people, by name, in the manifest.

An entry of the manifest may list, under `signed_off`, which rule at which path was signed by whom, when
and why. It releases findings of weight sign-off and nothing else: what is refused nobody can sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as day

from hub.topics.findings import Finding, Weight

_PARTS = ("rule", "where", "by", "date", "why")
_EXAMPLE = 'rule, where, by: "name, role", date: 2026-11-26, why: one sentence'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """One sign-off of the manifest."""

    rule: str
    where: str
    by: str
    date: str


def signed(findings: Iterable[Finding], entries: object, *, schema: str) -> tuple[Finding, ...]:
    """Turn findings that were signed off into warnings, and report sign-offs that are wrong or needless.

    Args:
        findings: what the gates found in one new version.
        entries: `signed_off` of its manifest entry, as YAML gives it; None where there is none.
        schema: what findings call the new version.
    """
    found = tuple(findings)
    if entries is None:
        return found
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return (*found, _malformed(schema, "signed_off", "it is not a list"))
    released: set[tuple[str, str]] = set()
    told: list[Finding] = []
    for number, entry in enumerate(entries):
        where = f"signed_off[{number}]"
        read = _read(entry)
        if isinstance(read, str):
            told.append(_malformed(schema, where, read))
            continue
        matches = [each for each in found if (each.rule, each.where) == (read.rule, read.where)]
        if any(each.weight is Weight.SIGN_OFF for each in matches):
            released.add((read.rule, read.where))
        else:
            told.append(_needless(schema, where, matches))
    return (*(_released(each, released) for each in found), *told)


def _released(finding: Finding, released: set[tuple[str, str]]) -> Finding:
    """Make a signed finding a warning."""
    if finding.weight is Weight.SIGN_OFF and (finding.rule, finding.where) in released:
        return replace(finding, weight=Weight.WARNING, what=f"Signed off. {finding.what}")
    return finding


def _read(entry: object) -> _Signed | str:
    """Read one sign-off, or say what is wrong with it."""
    if not isinstance(entry, Mapping):
        return "it is not a mapping"
    unknown = sorted(str(name) for name in entry if name not in _PARTS)
    if unknown:
        return f"{', '.join(unknown)} is no part of a sign-off"
    # YAML reads a date without quotation marks as one.
    said = {name: str(entry[name]) if isinstance(entry[name], str | day) else "" for name in entry}
    missing = [name for name in _PARTS if not said.get(name, "").strip()]
    if missing:
        return f"{', '.join(missing)} is missing or no text"
    name, _, role = said["by"].partition(",")
    if not name.strip() or not role.strip():
        return "by must be a name and a role, with a comma between"
    try:
        day.fromisoformat(said["date"])
    except ValueError:
        return "date must be a date, year first"
    return _Signed(rule=said["rule"], where=said["where"], by=said["by"], date=said["date"])


def _malformed(schema: str, where: str, wrong: str) -> Finding:
    """Refuse a sign-off that does not say who answers for what."""
    return Finding(
        rule="SIGN-OFF-MALFORMED",
        schema=schema,
        where=where,
        what=f"The sign-off does not count: {wrong}.",
        fix=f"write {_EXAMPLE}",
    )


def _needless(schema: str, where: str, matches: Sequence[Finding]) -> Finding:
    """Warn of a sign-off that releases nothing."""
    if matches:
        refused = matches[0].weight is Weight.REFUSED
        what = f"what it names is {'refused, and nobody can sign that' if refused else 'a warning, no more'}"
    else:
        what = "nothing is found by that rule at that place"
    return Finding(
        rule="SIGN-OFF-NEEDLESS",
        schema=schema,
        where=where,
        what=f"The sign-off releases nothing: {what}.",
        fix="take it out, or name rule and place as the check prints them",
        weight=Weight.WARNING,
    )
