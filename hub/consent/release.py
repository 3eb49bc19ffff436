"""A policy release: which rules, in which version, who wrote them, who approved them, from when they hold.

An approval is bound to the digest of the rules that were read: whoever changes a rule afterwards has no
approval any more. Two people other than the author approve, or nothing is put in force. In the log a
release is a control record; this module says what its body holds and which of two holds at a moment.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from hub.consent.compile import canonical
from hub.consent.parties import nearest
from hub.errors import PolicyRefused
from hub.messages.identifiers import Instant

APPROVALS_MIN = 2
"""So many people besides the author have to approve."""
CURRENT, COMING = "current", "coming"
"""Names of the two control facts that say what holds and what is to come; a release's own has a colon."""
SINCE, STARTS, REPLACED = "since", "starts", "replaced"
"""What a release kept under its name says besides: when it was first in force (null: never), every time it
came into force, and each time another took its place while it was to come: effective time, and when."""
_RELEASE = frozenset({"version", "digest", "author", "proposed", "approvals"})
_APPROVAL = frozenset({"by", "date", "digest"})
_VERSION = re.compile(r"[0-9A-Za-z]+(?:[.+-][0-9A-Za-z]+)*")
_VERSION_LENGTH_MAX = 40
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_INSTANT_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's word that rules with this digest may be put in force."""

    by: str
    date: str
    """The date, e.g. 2026-11-26."""
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Rules under a version, as their author proposed them, with who has approved so far."""

    version: str
    digest: str
    """SHA-256 of the rule documents as canonical JSON."""
    author: str
    proposed: str
    """The date."""
    approvals: tuple[Approval, ...] = ()

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who approved these very rules."""
        return tuple(each.by for each in self.approvals if each.digest == self.digest)

    @property
    def sentence(self) -> str:
        """Who did what when, for staff."""
        said = [f"{each.by} on {each.date}" for each in self.approvals if each.digest == self.digest]
        by = " and ".join(said) if said else "nobody yet"
        return f"{self.version}, proposed by {self.author} on {self.proposed}, approved by {by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A release as its control record has it."""

    version: str
    documents: Mapping[str, object]
    author: str
    approvers: tuple[str, ...]
    effective_at: Instant | None
    """From when it is to hold; None: at once."""


def digest_of(documents: Mapping[str, object]) -> str:
    """Return the digest by which rules are known."""
    return hashlib.sha256(canonical(documents)).hexdigest()


def release_name(version: str, documents: Mapping[str, object]) -> str:
    """Name rules as decisions and the ledger do, without compiling them."""
    return f"{version}:{digest_of(documents)[:12]}"


def release_from(plain: object) -> Release:
    """Read a release as its file states it.

    Raises:
        PolicyRefused: With every fault, each naming its field.
    """
    if not isinstance(plain, Mapping):
        _refuse(["release: must be a mapping of version, digest, author, proposed, approvals"])
    faults = _unknown(plain, _RELEASE, "release")
    faults += _version_faults(plain.get("version"), "release.version")
    faults += _form(plain.get("digest"), _DIGEST, "release.digest: must be 64 hexadecimal digits")
    faults += _name_faults(plain.get("author"), "release.author")
    faults += _form(plain.get("proposed"), _DATE, 'release.proposed: must be a date such as "2026-11-26"')
    approvals = plain.get("approvals", [])
    if not isinstance(approvals, list):
        _refuse([*faults, "release.approvals: must be a list"])
    for number, each in enumerate(approvals):
        faults += _approval_faults(each, f"release.approvals[{number}]")
    if faults:
        _refuse(faults)
    return Release(
        version=plain["version"],
        digest=plain["digest"],
        author=plain["author"],
        proposed=plain["proposed"],
        approvals=tuple(Approval(**each) for each in approvals),
    )


def release_plain(release: Release) -> dict[str, object]:
    """Return a release as its file states it."""
    approvals = [{"by": each.by, "date": each.date, "digest": each.digest} for each in release.approvals]
    return {
        "version": release.version,
        "digest": release.digest,
        "author": release.author,
        "proposed": release.proposed,
        "approvals": approvals,
    }


def faults_of(release: Release | None, digest: str) -> tuple[str, ...]:
    """Say what keeps rules with this digest from being put in force, each fault naming its field."""
    if release is None:
        return ("release: nobody has proposed these rules",)
    if release.digest != digest:
        changed = f"the rules have changed since {release.version} was proposed"
        return (f"release.digest: {changed}; its approvals are void",)
    void = [
        f"release.approvals[{number}].digest: of other rules than those proposed; the approval is void"
        for number, each in enumerate(release.approvals)
        if each.digest != digest
    ]
    people = [each.by for each in release.approvals]
    return (*void, *_people_faults(release.author, people, "release.approvals", ".by"))


def check_release(release: Release | None, digest: str) -> Release:
    """Return the release if rules with this digest may be put in force by it.

    Raises:
        PolicyRefused: They may not; every fault is named.
    """
    faults = faults_of(release, digest)
    if release is None or faults:
        _refuse(faults, how_to_go_on(release, digest))
    return release


def how_to_go_on(release: Release | None, digest: str) -> str:
    """Say which command comes next."""
    if release is None or release.digest != digest:
        return (
            "propose them with `hub policy propose --version … --author …`, then have two other people "
            "approve with `hub policy approve --by …`"
        )
    return "have two people other than the author approve with `hub policy approve --by …`"


def proposed(before: Release | None, release: Release) -> Release:
    """Return what a proposal makes of the release that was there before it.

    Raises:
        PolicyRefused: A field is not well formed, or the version names other rules already.
    """
    found = release_from(release_plain(release))
    if before is not None and before.version == found.version and len(before.approvers) >= APPROVALS_MIN:
        which = "these rules" if before.digest == found.digest else "other rules"
        _refuse(
            [f"release.version: {found.version} names {which} already, and they were approved"],
            "give the next version" if before.digest != found.digest else "release them as they are",
        )
    return found


def approved(release: Release | None, digest: str, *, by: str, date: str) -> Release:
    """Return the release with one more approval.

    Raises:
        PolicyRefused: By its author, by the same person again, or of rules that have changed since.
    """
    if release is None or release.digest != digest:
        _refuse(faults_of(release, digest), how_to_go_on(release, digest))
    faults = _name_faults(by, "release.approvals.by")
    if not faults and _same(by, release.author):
        faults = ["release.approvals.by: the author does not approve their own rules"]
    kept = tuple(each for each in release.approvals if each.digest == digest)
    if any(_same(by, each.by) for each in kept):
        faults = ["release.approvals.by: has approved already"]
    if faults:
        _refuse(faults, how_to_go_on(release, digest))
    return replace(release, approvals=(*kept, Approval(by=by, date=date, digest=digest)))


def release_body(
    release: Release, documents: Mapping[str, object], effective_at: Instant | None
) -> dict[str, object]:
    """Return the body of the control record that puts rules in force."""
    return {
        "version": release.version,
        "documents": dict(documents),
        "author": release.author,
        "approvers": list(release.approvers),
        "effective_at": effective_at,
    }


def released_from(body: Mapping[str, object]) -> Released:
    """Read the body of a policy's control record; ValueError names the field that is at fault."""
    documents, approvers = body.get("documents"), body.get("approvers")
    faults = _version_faults(body.get("version"), "policy.version")
    if not isinstance(documents, Mapping):
        faults.append("policy.documents: must be a mapping")
    faults += _name_faults(body.get("author"), "policy.author")
    if not isinstance(approvers, list | tuple):
        faults.append("policy.approvers: must be a list of two people other than the author")
    else:
        faults += _people_faults(body.get("author"), approvers, "policy.approvers", "")
    effective_at = body.get("effective_at")
    if effective_at is not None and not _is_instant(effective_at):
        faults.append("policy.effective_at: must be milliseconds since 1970-01-01 UTC, or null: at once")
    if faults or not isinstance(documents, Mapping) or not isinstance(approvers, list | tuple):
        raise ValueError("; ".join(faults))
    return Released(
        version=str(body["version"]),
        documents=documents,
        author=str(body["author"]),
        approvers=tuple(map(str, approvers)),
        effective_at=None if effective_at is None else Instant(int(str(effective_at))),
    )


def release_in_force(
    current: Mapping[str, object] | None, coming: Mapping[str, object] | None, now: Instant
) -> Mapping[str, object] | None:
    """Return which of two control bodies holds at a moment: what is to come, from its effective time on."""
    return coming if coming is not None and is_due(coming, now) else current


def is_due(coming: Mapping[str, object], now: Instant) -> bool:
    """Tell whether the effective time of a release to come has been reached."""
    effective_at = coming.get("effective_at")
    return not isinstance(effective_at, int) or effective_at <= now


def starts_of(body: Mapping[str, object]) -> tuple[int, ...]:
    """Return every moment a release kept under its name came into force, as far as that was recorded."""
    starts = body.get(STARTS, [body.get(SINCE)])
    return tuple(each for each in starts if isinstance(each, int)) if isinstance(starts, list | tuple) else ()


def _is_instant(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _INSTANT_MAX


def _unknown(plain: Mapping[str, object], allowed: Iterable[str], where: str) -> list[str]:
    known = frozenset(allowed)
    return [
        f"{where}.{name}: not a field of it{nearest(name, known)}"
        for name in map(str, plain)
        if name not in known
    ]


def _approval_faults(plain: object, where: str) -> list[str]:
    if not isinstance(plain, Mapping):
        return [f"{where}: must be a mapping of by, date, digest"]
    return [
        *_unknown(plain, _APPROVAL, where),
        *_name_faults(plain.get("by"), f"{where}.by"),
        *_form(plain.get("date"), _DATE, f'{where}.date: must be a date such as "2026-11-26"'),
        *_form(plain.get("digest"), _DIGEST, f"{where}.digest: must be 64 hexadecimal digits"),
    ]


def _version_faults(value: object, where: str) -> list[str]:
    if isinstance(value, str) and len(value) <= _VERSION_LENGTH_MAX and _VERSION.fullmatch(value):
        return []
    return [f'{where}: must be a version in quotation marks, such as "1.1.0"']


def _name_faults(value: object, where: str) -> list[str]:
    if isinstance(value, str) and value.strip():
        return []
    return [f"{where}: must be a person's name"]


def _form(value: object, pattern: re.Pattern[str], fault: str) -> list[str]:
    return [] if isinstance(value, str) and pattern.fullmatch(value) else [fault]


def _people_faults(author: object, people: Sequence[object], where: str, within: str) -> list[str]:
    """Find who may not approve, and whether enough people have."""
    faults: list[str] = []
    seen: list[str] = []
    for number, each in enumerate(people):
        place = f"{where}[{number}]{within}"
        if not isinstance(each, str) or not each.strip():
            faults.append(f"{place}: must be a person's name")
        elif isinstance(author, str) and _same(each, author):
            faults.append(f"{place}: the author does not approve their own rules")
        elif any(_same(each, other) for other in seen):
            faults.append(f"{place}: the same person twice")
        else:
            seen.append(each)
    if len(seen) < APPROVALS_MIN:
        faults.append(f"{where}: {len(seen)} of {APPROVALS_MIN} approvals by people other than the author")
    return faults


def _same(one: str, other: str) -> bool:
    """Tell whether two names are one person's, however typed and whatever office follows a comma."""
    return _name(one) == _name(other)


def _name(stated: str) -> str:
    """Return a person's name without the office they hold, to be compared."""
    return " ".join(stated.partition(",")[0].split()).casefold()


def _refuse(faults: Sequence[str], fix: str = "mend the named fields") -> NoReturn:
    message = "the policy release is refused:\n" + "\n".join(f"- {fault}" for fault in faults)
    raise PolicyRefused(message, fix=fix)
