"""What may stand in a record that leaves, read from its decision apart from the cutter: one checks the other.

`hub.consent.redact` makes what a recipient is given; this says, from the original and the decision alone,
which places of it may hold anything at all, and which texts may not occur in it. What is written is held
against that before it leaves (`hub.topics.leaving`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.consent.alike import Key, alike, treatment_in
from hub.consent.decision import Candidate, Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.forms import ENVELOPE, Treatment, texts_in
from hub.consent.generalise import Between, generalised
from hub.consent.outcomes import Decided, what_goes
from hub.consent.partner_contracts import NOT_IN_VIEW
from hub.consent.paths import PLAIN, ContractFields, fields_of, general_of, scope_of
from hub.consent.screen import AUTHOR, telling
from hub.messages.envelope import Envelope
from hub.messages.records import maker, record

Outline = Mapping[str, object]
"""Names under which a record may hold something: True where all of it goes, else the outline of a record, or
those of the items of a list that stay, in their order. Whatever has no name here is null."""
_LEAF = (str, int, float, bytes)
_NO_SECRET = (Outcome.DISCLOSE, NOT_IN_VIEW)
AUTHOR_ORGANISATION, CAUSATION = "@author_organisation", "@causation"


@record
class Allowance:
    """What one recipient may be given of one message; made without anything, it holds nothing back."""

    outline: Outline = field(default_factory=dict)
    holds_back: bool = False
    """Whether the rules keep any value from it; what only its contract leaves out does not count."""
    secret: tuple[str, ...] = ()
    """Texts kept back, nor disclosed in another field: no text that leaves may name one."""
    apart: tuple[str, ...] = ()
    """Texts that must not come over by themselves, though what is disclosed may speak of them."""
    disclosed: frozenset[str] = frozenset()
    """Texts the recipient is given as they are."""
    redacted: frozenset[str] = frozenset()
    """Paths the recipient may know were held back."""
    sought: tuple[bytes, ...] = ()
    """Both kinds in small letters, as they would stand among bytes put in small letters."""
    envelope: frozenset[str] = frozenset({AUTHOR, AUTHOR_ORGANISATION, CAUSATION})
    """Fields of the envelope it may know."""


_make = maker(Allowance)


@dataclass(slots=True)
class _Reading:
    """What is found while a payload is read."""

    decided: Decided
    contract: ContractFields
    candidate: Candidate
    items_held: frozenset[str]
    between: Between
    kept_back: int = 0
    """How many values the rules keep back; those that the contract alone leaves out do not count."""
    secret: dict[str, None] = field(default_factory=dict)
    apart: dict[str, None] = field(default_factory=dict)
    disclosed: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """What only the contract's view leaves out: it is no secret where it stands elsewhere."""
    redacted: set[str] = field(default_factory=set)

    def record(
        self,
        record: Mapping[str, object],
        prefix: str,
        scope: Scope,
        gone: bool,  # noqa: FBT001 - called often
    ) -> dict[str, object]:
        """Read one record; of one that is gone as a whole nothing is disclosed."""
        found: dict[str, object] = {}
        for name, value in record.items():
            path = prefix + name
            if value is None or path in self.contract.made:
                continue
            if value.__class__ not in PLAIN and not isinstance(value, _LEAF):
                inner = self.inside(value, path, scope, gone)
                if inner is not None:
                    found[name] = inner
                continue
            decided = self.decided.get((path, scope))
            if not gone and decided is not None and decided.outcome is Outcome.DISCLOSE:
                found[name] = True
                if isinstance(value, str):
                    self.disclosed.append(value)
                continue
            self.keep_back(value, path, decided)
            if not gone and decided is not None and decided.outcome is Outcome.GENERALISE:
                spec = self.contract.specs[path]
                if generalised(spec.generaliser, value, self.between) is not None:
                    found[general_of(spec).rpartition(".")[2]] = True
        return found

    def inside(self, value: object, path: str, scope: Scope, gone: bool) -> object:  # noqa: FBT001
        """Read what holds more than one value: True where it goes as it is, None where nothing may stand."""
        before = self.kept_back
        found: object = True
        if isinstance(value, Mapping) and path not in self.contract.specs:
            found = self.record(value, f"{path}.", scope, gone) or None
        elif isinstance(value, list | tuple) and value:
            found = [each for item in value if (each := self.item(item, path, scope, gone)) is not None]
        return True if self.kept_back == before else found or None

    def item(self, item: object, path: str, scope: Scope, gone: bool) -> object:  # noqa: FBT001
        """Read one item of a list; None where nothing of it stays."""
        if not isinstance(item, Mapping):
            decided = self.decided.get((path, scope))
            if gone or decided is None or decided.outcome is not Outcome.DISCLOSE:
                self.keep_back(item, path, decided)
                return None
            if isinstance(item, str):
                self.disclosed.append(item)
            return True
        below = f"{path}[]"
        own = self.contract.own.get(below)
        whose = scope if own is None else scope_of(item, own, self.candidate)
        keys = [name for name in self.contract.item_keys.get(below, ()) if name in item]
        if any(item[name] in self.items_held for name in keys):
            self.secret |= {text: None for value in item.values() if (text := telling(value))}
            gone = True
        stays = not gone and self._stays(item, keys, below, whose)
        found = self.record(item, f"{below}.", whose, not stays)
        # One with nothing left but its key goes as if it had never been.
        return found if found.keys() - keys else None

    def keep_back(self, value: object, path: str, decided: FieldDecision | None) -> None:
        """Note a value that does not go, and where it is a text, that it is to be looked for."""
        if decided is not None and decided.reason == NOT_IN_VIEW:
            # It may be known: the view has no place for it, and it is no secret.
            if isinstance(value, str):
                self.known.append(value)
            return
        self.kept_back += 1
        if decided is not None and decided.outcome is Outcome.REDACT:
            self.redacted.add(path)
        if text := telling(value):
            goes = decided is not None and decided.outcome is Outcome.DISCLOSE
            (self.apart if goes else self.secret)[text] = None

    def _stays(self, item: Mapping[str, object], keys: Sequence[str], below: str, scope: Scope) -> bool:
        """Tell whether an item may go at all: all its keys do."""
        return all(
            item[name] is not None
            and (decided := self.decided.get((f"{below}.{name}", scope))) is not None
            and decided.outcome is Outcome.DISCLOSE
            for name in keys
        )


_last: list[tuple[Mapping[str, object], Sequence[FieldSpec], Envelope, dict[Key, Allowance]]] = []
"""The message asked about last: the next recipient is often allowed the same."""


def allowance(
    payload: Mapping[str, object],
    specs: tuple[FieldSpec, ...],
    decision: Decision,
    *,
    envelope: Envelope,
) -> Allowance:
    """Return what a decision allows to be given of a message."""
    key = alike(payload, specs, decision)
    last = _last[0] if _last else None
    if last is None or last[0] is not payload or last[1] is not specs or last[2] is not envelope:
        last = (payload, specs, envelope, {})
        _last[:] = [last]
    found = last[3].get(key)
    if found is None:
        treatment = treatment_in(key)
        if treatment is None:
            found = _by_reading(payload, specs, decision, envelope)
        else:
            between = Between(decision.case, decision.candidate.organisation)
            found = _planned(treatment).allowance(payload, envelope, between)
        last[3][key] = found
    return found


def _by_reading(
    payload: Mapping[str, object],
    specs: Sequence[FieldSpec],
    decision: Decision,
    envelope: Envelope,
) -> Allowance:
    """Read a payload field by field, whatever is inside."""
    decided = what_goes(decision).decided
    reading = _Reading(
        decided=decided,
        contract=fields_of(specs),
        candidate=decision.candidate,
        items_held=frozenset(decision.items_held),
        between=Between(decision.case, decision.candidate.organisation),
    )
    outline = reading.record(payload, "", Scope.ALL, gone=False)
    known = frozenset(
        name
        for name in (AUTHOR, AUTHOR_ORGANISATION, CAUSATION)
        if (found := decided.get((name, Scope.ALL))) is not None and found.outcome is Outcome.DISCLOSE
    )
    disclosed = frozenset(reading.disclosed)
    if AUTHOR not in known and (text := telling(envelope.author)):
        reading.secret[text] = None
    open_texts = _folded((*disclosed, *reading.known)) if reading.secret or reading.apart else set()
    secret, apart = _not_in(open_texts, reading.secret), _not_in(open_texts, reading.apart)
    return Allowance(
        outline=outline,
        holds_back=reading.kept_back > 0,
        secret=secret,
        apart=apart,
        sought=_sought((*secret, *apart)),
        disclosed=disclosed,
        redacted=frozenset(reading.redacted),
        envelope=known,
    )


@record
class _Plan:
    """What is allowed of payloads of one form by one treatment: as `_Reading` finds it, worked out once."""

    outline: Outline
    holds_back: bool
    disclosed: tuple[str, ...]
    """Fields with texts, alone or in a list, that go,"""
    known: tuple[str, ...]
    """that only the contract's view leaves out,"""
    held: tuple[str, ...]
    """and that are kept back."""
    general: tuple[tuple[str, str, str | None], ...]
    """What may be filled with a general form, the exact field it is made of, and how."""
    redacted: frozenset[str]
    envelope: frozenset[str]

    def allowance(self, payload: Mapping[str, object], envelope: Envelope, between: Between) -> Allowance:
        """Return what may be given of a payload of the form."""
        disclosed = frozenset(texts_in(payload, self.disclosed))
        held = {text: None for said in texts_in(payload, self.held) if (text := telling(said))}
        if AUTHOR not in self.envelope and (text := telling(envelope.author)):
            held[text] = None
        secret: tuple[str, ...] = ()
        if held:
            secret = _not_in(_folded((*disclosed, *texts_in(payload, self.known))), held)
        outline = self.outline
        if self.general:
            made = [
                name
                for name, exact, generaliser in self.general
                if generalised(generaliser, payload[exact], between) is not None
            ]
            outline = {**outline, **dict.fromkeys(made, True)}
        return _make(
            outline=outline,
            holds_back=self.holds_back,
            secret=secret,
            apart=(),
            sought=_sought(secret),
            disclosed=disclosed,
            redacted=self.redacted,
            envelope=self.envelope,
        )


_plans: dict[Treatment, _Plan] = {}
_PLANS_MAX = 4_096


def _planned(treatment: Treatment) -> _Plan:
    """Return what is allowed of payloads of a form by a treatment, worked out once."""
    plan = _plans.get(treatment)
    if plan is None:
        if len(_plans) >= _PLANS_MAX:
            _plans.clear()
        plan = _plans[treatment] = _plan(treatment)
    return plan


def _plan(treatment: Treatment) -> _Plan:
    form, outcomes, contract = treatment.form, treatment.outcomes, treatment.form.contract
    there = [
        (name, kind, outcomes[name, Scope.ALL])
        for name, kind in form.filled
        if name not in contract.made and name not in form.empty
    ]
    texts = [(name, outcome) for name, kind, outcome in there if kind is str or kind not in PLAIN]
    goes = [name for name, _, outcome in there if outcome is Outcome.DISCLOSE]
    # A list of which nothing is kept back, if only for want of anything in it, may stand as it is.
    goes += [name for name, kind, outcome in there if outcome is NOT_IN_VIEW and kind not in PLAIN]
    goes += [name for name in form.empty if name not in contract.made]
    return _Plan(
        outline=dict.fromkeys(goes, True),
        holds_back=any(outcome not in _NO_SECRET for _, _, outcome in there),
        disclosed=tuple(name for name, outcome in texts if outcome is Outcome.DISCLOSE),
        known=tuple(name for name, outcome in texts if outcome is NOT_IN_VIEW),
        held=tuple(name for name, outcome in texts if outcome not in _NO_SECRET),
        general=tuple(
            (general_of(spec).rpartition(".")[2], name, spec.generaliser)
            for name, kind, outcome in there
            if outcome is Outcome.GENERALISE and kind in PLAIN and (spec := contract.specs[name]) is not None
        ),
        redacted=frozenset(name for name, _, outcome in there if outcome is Outcome.REDACT),
        envelope=frozenset(name for name, scope in ENVELOPE if outcomes[name, scope] is Outcome.DISCLOSE),
    )


def _folded(texts: Iterable[str]) -> set[str]:
    return {text.strip().casefold() for text in texts}


def _sought(texts: Iterable[str]) -> tuple[bytes, ...]:
    return tuple([text.lower().encode() for text in texts])


def _not_in(disclosed: Collection[str], texts: Iterable[str]) -> tuple[str, ...]:
    """Return the texts that are not disclosed in another field."""
    return tuple([text for text in texts if text.casefold() not in disclosed])
