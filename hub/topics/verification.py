"""Whether a contract with a partner holds: its view, its ceiling, what the partner expects, golden records.

Each check is made on real bytes where it can be: golden records and records full of canaries are written,
walked over, cut to the view and read back, exactly as in operation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.consent.ceiling import ceiling
from hub.consent.decision import Outcome
from hub.errors import HubError, NotReadable
from hub.topics import samples
from hub.topics.cutter import cutter_for
from hub.topics.findings import Finding
from hub.topics.shapes import Choice, ListOf, leaves

if TYPE_CHECKING:
    from pathlib import Path

    from hub.consent.compile import Policy
    from hub.topics.contract_files import ContractFile
    from hub.topics.library import Contract, SchemaLibrary

_APPROVALS_MIN = 2
_UNDECLARED = "undeclared_field"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """One contract under examination, in one schema version."""

    file: ContractFile
    library: SchemaLibrary
    policy: Policy
    whole: Contract
    view: Contract


_Found = Iterator[tuple[str, str, str, str]]
"""Rule, where, what, fix."""


def verify(file: ContractFile, library: SchemaLibrary, policy: Policy) -> tuple[Finding, ...]:
    """Return everything in which a contract does not hold, in any schema version of its range."""
    found = list(_agreed(file))
    try:
        views = file.views(library)
    except HubError as error:
        return (*found, _finding(file, "VIEW", "view", str(error), error.fix))
    if not views:
        what = f"no schema version from {file.terms.oldest} to {file.terms.newest} is there"
        found.append(_finding(file, "RANGE-EMPTY", "versions", what, "see `hub contracts list`"))
    for view in views:
        whole = library.contract(file.terms.message, view.version)
        checked = _Checked(file=file, library=library, policy=policy, whole=whole, view=view)
        for check in _CHECKS:
            found += [_finding(file, *each, version=view.version) for each in check(checked)]
    return tuple(found)


def _finding(
    file: ContractFile, rule: str, where: str, what: str, fix: str = "", *, version: str = ""
) -> Finding:
    label = f"{file.label} in {version}" if version else file.label
    return Finding(rule=rule, schema=label, where=where, what=what, fix=fix)


def _agreed(file: ContractFile) -> Iterator[Finding]:
    """Check that somebody stands for it, and that its end leads somewhere."""
    if len({each.by for each in file.approvals}) < _APPROVALS_MIN:
        what = "fewer than two people have approved it"
        yield _finding(file, "APPROVALS", "approvals", what, "have one of each side sign, with role and date")
    if file.terms.deprecated is not None and file.terms.alternative is None:
        what = "it comes to its end, and nothing says what the partner is to take instead"
        yield _finding(file, "ALTERNATIVE", "alternative", what, "name the contract that follows")
    if file.terms.alternative == file.terms.name:
        what = "it is said to be followed by itself"
        yield _finding(file, "ALTERNATIVE", "alternative", what, "name the contract that follows")
    following = file.path.parent / f"{file.terms.alternative}.yaml"
    if file.terms.alternative is not None and not following.exists():
        what = f"there is no contract {file.terms.alternative} beside it"
        yield _finding(file, "ALTERNATIVE", "alternative", what, f"write {following.name}")


def _below_ceiling(checked: _Checked) -> _Found:
    """Nothing is in the view that no state of the rules lets go."""
    if checked.file.terms.view is None:
        return
    recipient = checked.file.recipient
    most = ceiling(
        checked.policy,
        checked.file.terms.message,
        checked.whole.specs,
        {
            "kind": frozenset({recipient.kind}),
            "rung": frozenset({recipient.rung}),
            "legal_status": frozenset({recipient.legal_status}),
            "role": frozenset(recipient.roles),
        },
    )
    for path, _, _ in leaves(checked.view.shape):
        if most.get(path, Outcome.WITHHOLD) is Outcome.GENERALISE:
            what = f"the rules let at most the general form of {path} go, which has a field of its own"
            yield "CEILING", path, what, "take the exact field out of the view"
        elif most.get(path, Outcome.WITHHOLD) > Outcome.GENERALISE:
            what = f"the rules never let {path} go to a {recipient.kind} on rung {recipient.rung}"
            yield "CEILING", path, what, "take it out of the view, or have the rules changed first"


def _id_free(checked: _Checked) -> _Found:
    """The id an outside registry gave a view is none of the hub's own."""
    number = checked.file.terms.ids.get(checked.view.version)
    if number is not None and checked.library.has_id(number):
        what = f"the id {number} a registry gave the view is one of the hub's own schemas'"
        yield "REGISTRY-ID", "", what, "give the hub's new schema another id in the manifest"


def _expected(checked: _Checked) -> _Found:
    """What the partner relies on is there, and it knows every symbol it may meet."""
    fields = {path: field for path, field, _ in leaves(checked.view.shape)}
    for each in checked.file.expects:
        field = fields.get(each.field)
        if field is None:
            what = f"the partner needs {each.field} ({each.because}), and the view does not have it"
            yield "EXPECTATION", each.field, what, "add it to the view, or agree that it goes without"
            continue
        shape = field.shape.item if isinstance(field.shape, ListOf) else field.shape
        symbols = shape.symbols if isinstance(shape, Choice) else ()
        for symbol in each.values:
            if symbol not in symbols:
                what = f"the partner waits for {symbol}, which is no symbol of {each.field}"
                yield "EXPECTATION", each.field, what, f"one of: {', '.join(symbols) or 'it is no choice'}"
        unknown = [symbol for symbol in symbols if each.values and symbol not in each.values]
        if unknown:
            what = f"the partner does not know what to do with {', '.join(unknown)}"
            yield "EXPECTATION", each.field, what, "have the partner take them up before they are sent"


def _golden(checked: _Checked) -> _Found:
    """Golden records of this version come out as agreed; older ones are still read."""
    for path in checked.file.golden:
        where = f"golden/{path.name}"
        try:
            record = golden_record(path)
            sent = checked.library.contract(checked.file.terms.message, str(record["version"]))
            payload = checked.library.from_json(sent, record["whole"])
            if sent.version != checked.view.version:
                payload = dict(
                    checked.library.cast(sent.name, payload, source=sent.version, target=checked.view.version)
                )
            given = _cut(checked, payload)
        except (OSError, ValueError, KeyError, TypeError, HubError) as fault:
            yield "GOLDEN", where, f"cannot be read as a record of its version: {fault}", "mend the record"
            continue
        shown = {name: value for name, value in given.items() if value is not None}
        agreed = {name: value for name, value in record["view"].items() if value is not None}
        if sent.version == checked.view.version and shown != agreed:
            names = sorted(name for name in shown | agreed if shown.get(name) != agreed.get(name))
            what = f"the view gives something else than was agreed: {', '.join(names)}"
            yield "GOLDEN", where, what, "mend the view; the record changes only by a new contract"


def _no_canary(checked: _Checked) -> _Found:
    """Of a record full of canaries, only those of the view come through."""
    payload = samples.full(checked.whole.shape)
    body = checked.library.encode(checked.whole, payload)
    offsets = checked.library.check(checked.whole, body)
    cut = cutter_for(checked.whole, checked.view).cut(body, offsets, {})
    decoded = checked.library.decode(checked.view, cut)
    # Whole texts: the canary of `postcode` begins that of `postcode_area`.
    through = {*samples.canaries(checked.view.shape, decoded).values()}
    kept = {path for path, _, _ in leaves(checked.view.shape)}
    for path, canary in samples.canaries(checked.whole.shape, payload).items():
        if path not in kept and canary in through:
            yield (
                "CANARY",
                path,
                f"{path} is not in the view, and comes through",
                "report it: the cutter is wrong",
            )
    if cut != checked.library.encode(checked.view, decoded):
        yield (
            "CUT",
            "",
            "the cut record is not what the view's schema writes",
            "report it: the cutter is wrong",
        )


def _nothing_undeclared(checked: _Checked) -> _Found:
    """A field the view does not declare cannot be written."""
    record = {**samples.least(checked.view.shape), _UNDECLARED: "canary"}
    try:
        checked.library.encode(checked.view, record)
    except NotReadable:
        return
    yield "UNDECLARED", "", "a field the view does not declare is written", "report it: the codec is wrong"


_CHECKS: tuple[Callable[[_Checked], _Found], ...] = (
    _below_ceiling,
    _id_free,
    _expected,
    _golden,
    _no_canary,
    _nothing_undeclared,
)


def golden_record(path: Path) -> Mapping[str, Any]:
    """Return a golden record: its `version`, the `whole` payload and the `view` of it that was agreed.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no golden record.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        message = "too many levels of JSON"
        raise ValueError(message) from None
    parts = {"version": str, "whole": dict, "view": dict}
    if not isinstance(document, dict) or not all(
        isinstance(document.get(name), kind) for name, kind in parts.items()
    ):
        message = "a golden record has version, whole and view"
        raise ValueError(message)
    return document


def _cut(checked: _Checked, payload: Mapping[str, object]) -> dict[str, object]:
    """Return, as JSON shows it, what the partner gets of a whole record."""
    library = checked.library
    body = library.encode(checked.whole, payload)
    offsets = library.check(checked.whole, body)
    cut = cutter_for(checked.whole, checked.view).cut(body, offsets, {})
    return library.to_json(checked.view, library.decode(checked.view, cut))
