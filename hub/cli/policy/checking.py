"""`hub policy check`: are the rules well formed, does every invariant hold, and is anything odd?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.policy.options import Folder, Json, Version, compiled, rules_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.consent.compile import Policy
    from hub.consent.findings import Finding
    from hub.consent.release import Release

Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Leave with exit code 4 when there is a finding nobody accepts, or a field no contract has.",
    ),
]


def check(
    folder: Folder = None,
    version: Version = None,
    *,
    as_json: Json = False,
    strict: Strict = False,
) -> None:
    """Load the rules, validate them, prove every invariant, and say what is odd.

    A policy that breaks an invariant is refused. What is only odd is a finding: a rule or condition that
    decides nothing, a guard that is needed, a cell in which less trust gets more, a review that is overdue.
    Its owner may accept it, with the reason, under `accepts` in the policy file.
    """
    from time import perf_counter

    from hub.cli.console import EXIT_NOT_VALID
    from hub.topics.policy_files import read_release

    began = perf_counter()
    policy = compiled(folder, version)
    took = perf_counter() - began
    findings = _findings(policy)
    release = read_release(rules_folder(folder))
    if as_json:
        print(json.dumps(_as_json(policy, findings, release), indent=2))
    else:
        _show(policy, findings, release, took)
    if strict and (unknown_fields(policy) or not all(each.accepted for each in findings)):
        raise typer.Exit(EXIT_NOT_VALID)


def _findings(policy: Policy) -> tuple[Finding, ...]:
    """Return what is odd today."""
    from datetime import UTC, datetime

    from hub.consent.findings import find

    return find(policy, today=datetime.now(UTC).date().isoformat())


def _as_json(policy: Policy, findings: Iterable[Finding], release: Release | None) -> dict[str, object]:
    """Return what was found as it is printed for a program."""
    from hub.consent.release import faults_of

    return {
        "version": policy.version,
        "digest": policy.digest,
        "rules": policy.proof.rules,
        "states": policy.proof.states,
        "invariants": list(policy.proof.invariants),
        "findings": [asdict(each) for each in findings],
        "fields no contract has": unknown_fields(policy),
        "release": None if release is None else release.sentence,
        "release faults": list(faults_of(release, policy.digest)),
    }


def _show(policy: Policy, findings: Iterable[Finding], release: Release | None, took: float) -> None:
    """Print what was found for a person."""
    from hub.cli.console import show_pairs
    from hub.consent.release import faults_of

    show_pairs(
        (
            ("version", policy.version),
            ("digest", policy.digest),
            ("rules", policy.proof.rules),
            ("states looked at", f"{policy.proof.states:,}"),
            ("invariants proved", len(policy.proof.invariants)),
            ("released as", _released_as(policy, release)),
            ("took", f"{took * 1000:.0f} ms"),
        )
    )
    for name in policy.proof.invariants:
        print(f"    holds  {name}")
    for each in findings:
        print(f"    {'accepted' if each.accepted else 'finding '}  {each.name}: {each.sentence}")
        if each.accepted:
            print(f"              because: {each.accepted}")
    for fault in faults_of(release, policy.digest):
        print(f"    note   not to be released: {fault}")
    for name in unknown_fields(policy):
        print(f"    note   a rule names the field {name}, which no contract has in that class")


def _released_as(policy: Policy, release: Release | None) -> str:
    """Say as what these rules were released, or that nobody approved them as they are."""
    from hub.consent.release import faults_of

    if release is None:
        return "nothing: not proposed"
    changed = release.digest != policy.digest
    void = "; CHANGED SINCE, so the approvals are void" if changed else ""
    return release.sentence + (
        void or ("; not enough approvals" if faults_of(release, policy.digest) else "")
    )


def unknown_fields(policy: Policy) -> list[str]:
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
