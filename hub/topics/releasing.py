"""What releasing a schema version would do: to earlier versions, and to every contract on the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.errors import HubError
from hub.topics.conformity import check_schemas
from hub.topics.findings import Finding, Weight
from hub.topics.gates.casts import check_casts
from hub.topics.history import Tree, check_history
from hub.topics.library import SchemaLibrary
from hub.topics.parity import check_parity
from hub.topics.verification import golden_record, verify

if TYPE_CHECKING:
    from pathlib import Path

    from hub.consent.compile import Policy
    from hub.topics.contract_files import ContractFile, ContractFolder

_NO_VIEW = {"VIEW", "RANGE-EMPTY"}
"""With these there is nothing to hold a golden record against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What becomes of one contract."""

    file: ContractFile
    gets: str
    """Schema version its partner is sent then."""
    golden: str
    """How many golden records come out as agreed and how many were only read; or `fail`, or `not tried`."""
    broken: bool


def effects(
    schemas: Path, contracts: ContractFolder, *, name: str, version: str, policy: Policy
) -> tuple[tuple[Effect, ...], tuple[Finding, ...]]:
    """Return what a version of a message does to each contract on it, and all that stands in its way.

    Raises:
        NotConfigured: There is no such version, or the schemas cannot be read.
    """
    tree = Tree.read(schemas)
    label = tree.find(name, version).label
    found = [each for each in (*check_schemas(schemas), *check_history(tree, policy)) if each.schema == label]
    library: SchemaLibrary | None = None
    try:
        library = SchemaLibrary.load(schemas, candidate=(name, version))
    except HubError as fault:
        what = f"The hub would not start with it: {fault}."
        found.append(Finding(rule="VERSIONS-APART", schema=label, where="", what=what, fix=fault.fix))
    else:
        others = (*check_parity(library), *check_casts(library, policy))
        # A step is of two versions, `plan 1.0 to 2.0`: both are concerned.
        found += [each for each in others if {name, version} <= {*each.schema.split()}]
    stopped = any(each.weight is not Weight.WARNING for each in found)
    told = []
    for file in (each for each in contracts.files if each.terms.message == name):
        own = () if library is None else verify(file, library, policy)
        covered = file.terms.covers(version)
        gets = version if covered else _newest(file, library)
        broken_rules = {each.rule for each in own}
        if library is None or broken_rules & _NO_VIEW:
            golden = "not tried"
        elif "GOLDEN" in broken_rules:
            golden = "fail"
        else:
            golden = _held(file, gets)
        broken = bool(own) or (covered and stopped)
        told.append(Effect(file=file, gets=gets, golden=golden, broken=broken))
        found += own
    return tuple(told), tuple(found)


def _held(file: ContractFile, gets: str) -> str:
    """Say how many golden records came out as agreed, and how many were only read.

    A golden record is compared in the version it is of. That its partner gets another then, into which it
    is cast, shows that it can be read, and no more.
    """
    of = [str(golden_record(path)["version"]) for path in file.golden]
    counts = ((of.count(gets), "hold"), (len(of) - of.count(gets), "read"))
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "none"


def _newest(file: ContractFile, library: SchemaLibrary | None) -> str:
    versions = () if library is None else file.versions(library)
    return versions[-1] if versions else file.terms.newest
