"""`hub policy check`: are the rules well formed, and does every invariant hold?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hub.cli.policy.options import Folder, Json, Version, compiled

if TYPE_CHECKING:
    from hub.consent.compile import Policy


def check(
    folder: Folder = None,
    version: Version = None,
    *,
    as_json: Json = False,
) -> None:
    """Load the rules, validate them and prove every invariant; a policy that breaks one is refused."""
    from time import perf_counter

    from hub.cli.console import show_pairs
    from hub.consent.release import faults_of
    from hub.topics.policy_files import POLICY, read_release

    began = perf_counter()
    policy = compiled(folder, version)
    release = read_release(folder or POLICY)
    faults = faults_of(release, policy.digest)
    found = {
        "version": policy.version,
        "digest": policy.digest,
        "rules": policy.proof.rules,
        "states": policy.proof.states,
        "invariants": list(policy.proof.invariants),
        "fields no contract has": _unknown_fields(policy),
        "release": None if release is None else release.sentence,
        "release faults": list(faults),
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
            ("released as", "nothing: not proposed" if release is None else release.sentence),
            ("took", f"{(perf_counter() - began) * 1000:.0f} ms"),
        )
    )
    for name in policy.proof.invariants:
        print(f"    holds  {name}")
    for fault in faults:
        print(f"    note   not to be released: {fault}")
    for name in _unknown_fields(policy):
        print(f"    note   a rule names the field {name}, which no contract has in that class")


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
