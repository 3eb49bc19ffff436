"""A tree of schemas with all its versions: what a new version changes, and whether it may.

Three things are asked of every version against all earlier ones: can each read the other (Avro), does any
field become less protected (classes), does anything change its meaning (semantics). Against another state
of the tree, such as the branch a change is to be merged into: is anything edited that was released.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Self

from hub.consent.partner_contracts import version_key
from hub.errors import NotConfigured
from hub.topics.avro.canonical import digest
from hub.topics.avro.modes import Mode, compare
from hub.topics.findings import Finding, Weight
from hub.topics.gates.classes import class_gate, class_gates
from hub.topics.gates.semantics import semantic_gates
from hub.topics.gates.signing import signed
from hub.topics.library import read_manifest
from hub.topics.schema_files import read_parsed

if TYPE_CHECKING:
    from pathlib import Path

    from hub.consent.compile import Policy
    from hub.topics.avro.schema import Type

MODE = Mode.FULL_TRANSITIVE
"""Within a major version everybody reads everybody: partners upgrade in any order."""
STATUSES = ("draft", "active", "deprecated", "retired")
"""The life of a version, in its order."""
_DRAFT = STATUSES[0]
_FRAMING = "framing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One schema version of a tree."""

    name: str
    version: str
    id: int
    kind: str
    status: str
    signed_off: object
    """As the manifest has it; hub.topics.gates.signing reads it."""
    digest: str
    type: Type

    @property
    def label(self) -> str:
        """Its name for people, e.g. `progress 1.1`."""
        return f"{self.name} {self.version}"

    @property
    def major(self) -> str:
        """The part of the version within which all are compatible."""
        return self.version.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Every version of every schema of a folder, oldest first."""

    versions: tuple[Version, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest and every schema it names.

        Raises:
            NotConfigured: A file is missing or no Avro schema; names it.
        """
        found = [_version(folder, entry) for entry in read_manifest(folder)]
        return cls(versions=tuple(sorted(found, key=lambda each: (each.name, version_key(each.version)))))

    def find(self, name: str, version: str) -> Version:
        """Return one version; NotConfigured if there is none."""
        for each in self.versions:
            if (each.name, each.version) == (name, version):
                return each
        known = ", ".join(each.version for each in self.versions if each.name == name) or "none of that name"
        message = f"there is no schema {name} {version}"
        raise NotConfigured(message, fix=f"versions there are: {known}")


def check_history(tree: Tree, policy: Policy) -> tuple[Finding, ...]:
    """Return what no version of the tree may do to those before it."""
    found: list[Finding] = []
    for _, versions in groupby(tree.versions, key=lambda each: each.name):
        before: list[Version] = []
        for each in versions:
            if each.status == STATUSES[-1] and any(one.status != STATUSES[-1] for one in before):
                what = "it is retired, and an older version is not: contracts speak of the newest they cover"
                found.append(_edited("RETIRED-FIRST", each, what, "retire the older ones first"))
            if before:
                findings = _against_earlier(each, before, policy)
                found += signed(findings, each.signed_off, schema=each.label)
            before.append(each)
    return tuple(found)


def check_against(tree: Tree, base: Tree, policy: Policy) -> tuple[Finding, ...]:
    """Return what a change does to versions that were there before it.

    What is released is never edited (R-MSG-12). A draft may be, but not made less protective without
    somebody's signature: who may know a field is no matter of form, released or not.
    """
    now = {(each.name, each.version): each for each in tree.versions}
    found: list[Finding] = []
    for before in base.versions:
        after = now.get((before.name, before.version))
        if before.status != _DRAFT:
            found += _released(before, after)
        elif after is not None and after.digest != before.digest and not _ungated(before, after):
            gates = class_gate(before.type, after.type, policy=policy, schema=after.label)
            found += signed(map(_of_a_draft, gates), after.signed_off, schema=after.label)
    return (*found, *_renumbered(tree, base, policy))


def _ungated(before: Version, after: Version) -> bool:
    """Tell whether a schema has no classes by design, before and after: a new kind does not free it."""
    return before.kind == after.kind == _FRAMING


def _renumbered(tree: Tree, base: Tree, policy: Policy) -> Iterator[Finding]:
    """Hold a new version against drafts it takes the place of: under a new number they are still the same."""
    here = {(each.name, each.version) for each in tree.versions}
    before = {(each.name, each.version) for each in base.versions}
    for new in (each for each in tree.versions if (each.name, each.version) not in before):
        gone = [
            (each.version, each.type)
            for each in base.versions
            if each.name == new.name and (each.name, each.version) not in here and each.kind != _FRAMING
        ]
        if gone:
            gates = class_gates(new.type, gone, policy=policy, schema=new.label)
            yield from signed(map(_of_a_draft, gates), new.signed_off, schema=new.label)


def _against_earlier(new: Version, before: list[Version], policy: Policy) -> Iterator[Finding]:
    older = [(each.version, each.type) for each in before]
    # Between major versions casts say what becomes of what; who may know a field is held to all the same.
    same_major = [(each.version, each.type) for each in before if each.major == new.major]
    yield from compare(new.type, same_major, MODE, label=new.label)
    if new.kind != _FRAMING:
        yield from class_gates(new.type, older, policy=policy, schema=new.label)
    if new.kind != _FRAMING and same_major:
        yield from semantic_gates(new.type, same_major, schema=new.label)


def _of_a_draft(finding: Finding) -> Finding:
    """Leave to people what would be refused of something released."""
    if finding.weight is Weight.WARNING:
        return finding
    fix = f"{finding.fix}; of a draft, whoever answers for the rules may sign it off (signed_off)"
    return replace(finding, weight=Weight.SIGN_OFF, fix=fix)


def _released(before: Version, after: Version | None) -> Iterator[Finding]:
    """Check that a released version is as it was, and only further on in its life."""
    if after is None:
        if before.status != STATUSES[-1]:
            what = "it was released, and is gone: partners and the log rely on it"
            yield _edited("RELEASED-GONE", before, what, "restore it; set its status to retired first")
        return
    if after.digest != before.digest:
        what = "it was released, and its file was edited"
        yield _edited("RELEASED-EDITED", before, what, "restore the file, and release a version of its own")
    if (after.id, after.kind) != (before.id, before.kind):
        what = "it was released, and its id or kind changed: every record framed with it would be misread"
        yield _edited("RELEASED-MOVED", before, what, f"restore id {before.id} and kind {before.kind}")
    if STATUSES.index(after.status) < STATUSES.index(before.status):
        what = f"its status went back from {before.status} to {after.status}"
        yield _edited("STATUS-BACK", before, what, f"set it to {before.status} again")


def _edited(rule: str, version: Version, what: str, fix: str) -> Finding:
    return Finding(rule=rule, schema=version.label, where="manifest", what=what, fix=fix)


def _version(folder: Path, entry: Mapping[str, object]) -> Version:
    schema, type_ = read_parsed(folder / str(entry["file"]))
    return Version(
        name=str(entry["name"]),
        version=str(entry["version"]),
        id=int(str(entry["id"])),
        kind=str(entry["kind"]),
        status=str(entry["status"]),
        signed_off=entry.get("signed_off"),
        digest=digest(schema),
        type=type_,
    )
