"""Cuts a payload to what a decision lets through, once, from the original, and checks what is left.

Withheld and redacted values become null, the same as never given; a generalised one moves into its
sibling. List items of which nothing may be known are gone, and an emptied list is null, so that nothing
tells there was one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.consent.decision import Candidate, Decision, FieldSpec, Outcome, Scope
from hub.consent.generalise import Between, generalised
from hub.consent.paths import general_of, owners, scope_of, walk
from hub.consent.screen import LENGTH_MIN
from hub.errors import HubError


class WithheldValueFound(HubError):
    """A value that was held back is still in what was cut; nothing may be delivered."""

    code = "withheld-value-found"


@dataclass(slots=True)
class _Cut:
    """What is needed while a payload is cut, and what was redacted by name."""

    outcomes: Mapping[tuple[str, Scope], Outcome]
    specs: Mapping[str, FieldSpec]
    own: Mapping[str, str]
    candidate: Candidate
    items_held: frozenset[str]
    between: Between
    redacted: dict[str, None] = field(default_factory=dict)

    def outcome(self, path: str, scope: Scope) -> Outcome:
        """Return the outcome for a path; one nobody decided is withheld."""
        return self.outcomes.get((path, scope), Outcome.WITHHOLD)

    def record(self, record: Mapping[str, object], prefix: str, scope: Scope) -> dict[str, object]:
        """Cut one record; every name stays, what may not be known is null."""
        cut: dict[str, object] = dict.fromkeys(record)
        for name, value in record.items():
            path = f"{prefix}{name}"
            spec = self.specs.get(path)
            if spec is not None and spec.is_general:
                continue
            cut[name] = self.value(value, path, scope)
            if spec is not None and value is not None and self.outcome(path, scope) is Outcome.GENERALISE:
                cut[general_of(spec).rpartition(".")[2]] = generalised(spec.generaliser, value, self.between)
        return cut

    def value(self, value: object, path: str, scope: Scope) -> object:
        """Cut one value, whatever it is."""
        if value is None:
            return None
        if isinstance(value, Mapping):
            inner = self.record(value, f"{path}.", scope)
            return inner if any(item is not None for item in inner.values()) else None
        if isinstance(value, list | tuple):
            return self.items(value, f"{path}[]", scope)
        outcome = self.outcome(path, scope)
        if outcome is Outcome.REDACT:
            self.redacted[path] = None
        return value if outcome is Outcome.DISCLOSE else None

    def items(self, items: Sequence[object], path: str, scope: Scope) -> list[object] | None:
        """Cut the items of a list; those of which nothing is left are gone."""
        if not items:
            return [] if self._all_goes(path) else None
        kept = [item for item in (self.item(each, path, scope) for each in items) if item is not None]
        return kept or None

    def item(self, item: object, path: str, scope: Scope) -> object:
        """Cut one item of a list; None when nothing of it, or not its key, may be known."""
        if not isinstance(item, Mapping):
            return self.value(item, path.removesuffix("[]"), scope)
        if self._held(item, path):
            return None
        whose = scope_of(item, self.own[path], self.candidate) if path in self.own else scope
        cut = self.record(item, f"{path}.", whose)
        keys = [name for name in item if self._is_key(f"{path}.{name}")]
        if any(cut[name] is None for name in keys):
            return None
        return cut if any(value is not None for name, value in cut.items() if name not in keys) else None

    def _is_key(self, path: str) -> bool:
        """Tell whether a path names its record."""
        spec = self.specs.get(path)
        return spec is not None and spec.key

    def _held(self, item: Mapping[str, object], path: str) -> bool:
        """Tell whether the Offender Manager holds back this very item (R-DIS-03)."""
        return any(
            isinstance(value, str) and value in self.items_held and self._is_key(f"{path}.{name}")
            for name, value in item.items()
        )

    def _all_goes(self, path: str) -> bool:
        """Tell whether nothing of a list can be held back, so that an empty one may be shown as empty.

        Otherwise it would tell that there was nothing, where null leaves it open.
        """
        found = {
            outcome
            for (known, _), outcome in self.outcomes.items()
            if known == path.removesuffix("[]") or known.startswith(f"{path}.")
        }
        return not self.items_held and found == {Outcome.DISCLOSE}


def cut(
    payload: Mapping[str, object],
    specs: Sequence[FieldSpec],
    decision: Decision,
    candidate: Candidate,
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the payload as this candidate may have it, and the paths it may know were held back.

    Raises WithheldValueFound if a held-back value is still anywhere in the result.
    """
    worker = _Cut(
        outcomes={(item.path, item.scope): item.outcome for item in decision.fields if decision.delivers},
        specs={spec.path: spec for spec in specs},
        own=owners(specs),
        candidate=candidate,
        items_held=frozenset(decision.items_held),
        between=Between(decision.case, candidate.organisation),
    )
    result = worker.record(payload, "", Scope.ALL)
    _check(payload, result, worker)
    return result, tuple(worker.redacted)


def _check(payload: Mapping[str, object], result: Mapping[str, object], worker: _Cut) -> None:
    """Look for every held-back text in the result; it may stand there only where it was itself disclosed."""
    specs = tuple(worker.specs.values())
    originals = list(walk(payload, specs, worker.candidate))
    disclosed = {
        leaf.value for leaf in originals if worker.outcome(leaf.path, leaf.scope) is Outcome.DISCLOSE
    }
    left = [leaf.value for leaf in walk(result, specs, worker.candidate)]
    remains = "\n".join(text for text in left if isinstance(text, str) and text not in disclosed)
    for leaf in originals:
        held = worker.outcome(leaf.path, leaf.scope) is not Outcome.DISCLOSE
        if held and isinstance(leaf.value, str) and len(leaf.value) >= LENGTH_MIN and leaf.value in remains:
            message = f"a value held back from this recipient is still in the message (field {leaf.path})"
            raise WithheldValueFound(message, fix="nothing was delivered; the cutter is at fault")
