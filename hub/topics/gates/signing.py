"""Sign-offs: who answers for a change that a gate leaves to people, by name, in the manifest.

An entry of the manifest may list, under `signed_off`, which rule at which path was signed by whom, when
and why, and what was signed: the change from `old` to `new`, as the check prints them. It releases findings
of weight sign-off of exactly that change and nothing else: what is refused nobody can sign, and a change
made after somebody signed is another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date as day

from hub.topics.findings import Finding, Weight

_TEXTS = ("rule", "where", "by", "date", "why")
_CHANGE = ("old", "new")
"""What was signed; empty where a finding has none, such as `old` of something new."""
_EXAMPLE = 'rule, where, old: "was", new: "is", by: "name, role", date: 2026-11-26, why: one sentence'
_Change = tuple[str, str, str, str]
"""Rule, path, old and new: which change a finding or a sign-off is about."""


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
    released: set[_Change] = set()
    told: list[Finding] = []
    for number, entry in enumerate(entries):
        where = f"signed_off[{number}]"
        read = _read(entry)
        if isinstance(read, str):
            told.append(_malformed(schema, where, read))
            continue
        there = [each for each in found if _change(each)[:2] == read[:2]]
        matches = [each for each in there if _change(each) == read]
        if any(each.weight is Weight.SIGN_OFF for each in matches):
            released.add(read)
        else:
            told.append(_needless(schema, where, matches, elsewhere=bool(there)))
    return (*(_released(each, released) for each in found), *told)


def _change(finding: Finding) -> _Change:
    """Return which change a finding is about."""
    return finding.rule, finding.where, finding.old, finding.new


def _released(finding: Finding, released: set[_Change]) -> Finding:
    """Make a signed finding a warning."""
    if finding.weight is Weight.SIGN_OFF and _change(finding) in released:
        return replace(finding, weight=Weight.WARNING, what=f"Signed off. {finding.what}")
    return finding


def _read(entry: object) -> _Change | str:
    """Read which change one sign-off is about, or say what is wrong with it."""
    if not isinstance(entry, Mapping):
        return "it is not a mapping"
    unknown = sorted(str(name) for name in entry if name not in {*_TEXTS, *_CHANGE})
    if unknown:
        return f"{', '.join(unknown)} is no part of a sign-off"
    # YAML reads a date without quotation marks as one.
    said = {name: str(entry[name]) for name in entry if isinstance(entry[name], str | day)}
    missing = [name for name in _TEXTS if not said.get(name, "").strip()]
    missing += [name for name in _CHANGE if name not in said]
    if missing:
        return f"{', '.join(missing)} is missing or no text in quotation marks"
    name, _, role = said["by"].partition(",")
    if not name.strip() or not role.strip():
        return "by must be a name and a role, with a comma between"
    try:
        day.fromisoformat(said["date"])
    except ValueError:
        return "date must be a date, year first"
    return said["rule"], said["where"], said["old"], said["new"]


def _malformed(schema: str, where: str, wrong: str) -> Finding:
    """Refuse a sign-off that does not say who answers for what."""
    return Finding(
        rule="SIGN-OFF-MALFORMED",
        schema=schema,
        where=where,
        what=f"The sign-off does not count: {wrong}.",
        fix=f"write {_EXAMPLE}",
    )


def _needless(schema: str, where: str, matches: Sequence[Finding], *, elsewhere: bool) -> Finding:
    """Warn of a sign-off that releases nothing; `elsewhere`: its rule finds another change at its place."""
    if matches:
        refused = matches[0].weight is Weight.REFUSED
        what = f"what it names is {'refused, and nobody can sign that' if refused else 'a warning, no more'}"
    elif elsewhere:
        what = "another change than that from its old to its new is found at that place"
    else:
        what = "nothing is found by that rule at that place"
    return Finding(
        rule="SIGN-OFF-NEEDLESS",
        schema=schema,
        where=where,
        what=f"The sign-off releases nothing: {what}.",
        fix="take it out, or write rule, where, old and new as the check prints them with --json",
        weight=Weight.WARNING,
    )
