"""Tells when two recipients get the same of a message, so that it is cut once for all of them.

What is made of a payload follows from what becomes of the values really in it, and from little else. So two
decisions on other grounds, or that differ only in fields nobody filled in, come to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.consent.decision import Candidate, Decision, FieldSpec, Scope
from hub.consent.forms import ENVELOPE, Treatment, form_of, treatment_of, within
from hub.consent.outcomes import Place, what_goes
from hub.consent.paths import ContractFields, fields_of, walked
from hub.messages.identifiers import OrganisationId

_NOBODY = OrganisationId("")
_read: list[tuple[Mapping[str, object], Sequence[FieldSpec], dict[OrganisationId, tuple[Place, ...]]]] = []
"""The payload asked about last: it is cut for one recipient after another."""
Key = tuple[object, ...]
_asked: list[tuple[Decision, Mapping[str, object], Sequence[FieldSpec], Key]] = []
"""The decision asked about last: it is cut by, and then what was cut is held against it."""


def alike(payload: Mapping[str, object], specs: Sequence[FieldSpec], decision: Decision) -> Key:
    """Return a key that is the same for all decisions by which the same of this payload goes."""
    last = _asked[0] if _asked else None
    if last is not None and last[0] is decision and last[1] is payload and last[2] is specs:
        return last[3]
    key = _alike(payload, specs, decision)
    _asked[:] = [(decision, payload, specs, key)]
    return key


def treatment_in(key: Key) -> Treatment | None:
    """Return what becomes of each field of a payload that has a form; None for one that has none."""
    first = key[0]
    return first if isinstance(first, Treatment) else None


def _alike(payload: Mapping[str, object], specs: Sequence[FieldSpec], decision: Decision) -> Key:
    candidate, form = decision.candidate, form_of(payload, specs)
    if form is not None:
        treatment = treatment_of(form, what_goes(decision))
        held = decision.items_held if form.empty else ()
        whom = (candidate.organisation, decision.case) if treatment.personal else ()
        return (treatment, held, *whom)
    contract = fields_of(specs)
    whose = candidate.organisation if contract.own or contract.pseudonyms else _NOBODY
    places = _places(payload, specs, contract, candidate, whose)
    outcomes = map(what_goes(decision).codes.get, places)
    return (whose, decision.case if contract.pseudonyms else "", decision.items_held, *outcomes)


def _places(
    payload: Mapping[str, object],
    specs: Sequence[FieldSpec],
    contract: ContractFields,
    candidate: Candidate,
    whose: OrganisationId,
) -> tuple[Place, ...]:
    """Return every place of payload and envelope whose outcome has a part in what is made of it."""
    last = _read[0] if _read else None
    if last is None or last[0] is not payload or last[1] is not specs:
        last = (payload, specs, {})
        _read[:] = [last]
    found = last[2].get(whose)
    if found is None:
        known = walked(payload, specs, candidate)
        there = dict.fromkeys([(leaf.path, leaf.scope) for leaf in known.leaves])
        for path, _ in known.empty:
            # Whether a list may be seen to be empty depends on all that could stand in it.
            there |= dict.fromkeys([(each, scope) for each in within(contract, path) for scope in Scope])
        found = last[2][whose] = (*there, *ENVELOPE)
    return found
