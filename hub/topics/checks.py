"""Every check of the contracts in one call: schemas, their versions, models, examples, casts, partners."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hub.consent.contract_changes import check_change
from hub.consent.partner_contracts import Phase
from hub.errors import HubError, NotConfigured, Refused
from hub.topics.bodies import check_submission
from hub.topics.conformity import check_schemas
from hub.topics.findings import Finding
from hub.topics.gates.casts import check_casts
from hub.topics.history import Tree, check_history
from hub.topics.library import MESSAGE, SchemaLibrary
from hub.topics.parity import check_parity
from hub.topics.verification import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.consent.compile import Policy
    from hub.messages.identifiers import Instant
    from hub.topics.contract_files import ContractFolder


def check_all(schemas: Path, contracts: ContractFolder, *, policy: Policy) -> tuple[Finding, ...]:
    """Return every finding; where the schemas themselves break a rule, theirs alone.

    Raises:
        NotConfigured: The schemas cannot be read at all, or the versions of a message do not join.
    """
    found = (*check_schemas(schemas), *check_history(Tree.read(schemas), policy))
    if any(each.rule == "MESSAGE-MISSING" for each in found):
        return found
    try:
        library = SchemaLibrary.load(schemas)
    except HubError as fault:
        if any(each.rule in {"NOT-READABLE", "DIGEST"} for each in found):
            return found
        why = Finding(rule="NOT-READABLE", schema="manifest", where="", what=f"{fault}.", fix=fault.fix)
        return (*found, why)
    return (
        *found,
        *check_casts(library, policy),
        *check_parity(library),
        *_examples(library, schemas),
        *(finding for file in contracts.files for finding in verify(file, library, policy)),
    )


def _examples(library: SchemaLibrary, schemas: Path) -> Iterator[Finding]:
    """Check that every message has an example, and that the door would take it."""
    for name in sorted({each.name for each in library.all() if each.kind == MESSAGE}):
        file = schemas / name / "example.json"
        try:
            check_submission(library, name, json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as fault:
            yield _example(name, f"cannot be read: {type(fault).__name__}")
        except Refused as fault:
            yield _example(name, str(fault))


def _example(name: str, what: str) -> Finding:
    return Finding(
        rule="EXAMPLE", schema=name, where="example.json", what=what, fix="write one the door would take"
    )


def check_contracts_against(now: ContractFolder, base: ContractFolder, *, at: Instant) -> Iterator[Finding]:
    """Yield what a change does to contracts that are in effect: what they let through never changes.

    Args:
        now: The folder as it is.
        base: The folder as it was.
        at: The moment at which a contract is in effect or not.
    """
    here = {each.label: each for each in now.files}
    for before in base.files:
        phase = before.terms.phase(at)
        after = here.get(before.label)
        if phase is Phase.AGREED or (after is None and phase.has_ended):
            continue
        if after is None:
            what, fix = "It is in effect, and its file is gone.", "restore it, or announce its end first"
            yield Finding(rule="CONTRACT-EDITED", schema=before.label, where="", what=what, fix=fix)
            continue
        try:
            check_change(before.terms, after.terms, now=at)
        except NotConfigured as refused:
            what = f"{refused}."
            yield Finding(rule="CONTRACT-EDITED", schema=before.label, where="", what=what, fix=refused.fix)
