"""The most the rules could ever let go of a message to a recipient, whatever comes to be true of a case.

A contract's view must lie within it: what no state of the rules lets go has no place in a schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.consent.compile import Policy
from hub.consent.decide import lines_of
from hub.consent.decision import FieldSpec, Outcome
from hub.consent.paths import general_of
from hub.consent.prove import most_that_goes
from hub.consent.vocabulary import Value
from hub.messages.envelope import MessageName

UNORDERED: Mapping[str, frozenset[Value]] = {
    "court_order": frozenset({False}),
    "override": frozenset({False}),
}
"""What a contract is not made for: a court's order and an override open to one what others do not get."""


def ceiling(
    policy: Policy,
    message: MessageName,
    specs: Sequence[FieldSpec],
    recipient: Mapping[str, frozenset[Value]],
) -> Mapping[str, Outcome]:
    """Return, by path, the outcome that discloses most in any state.

    Args:
        policy: The rules.
        message: The message's type.
        specs: The leaf fields of its contract.
        recipient: What is fixed of the recipient, e.g. its kind, rung, legal status and roles.

    A field that several classes hold gets the most held back of what each would let go; a general form
    gets what its exact field gets.
    """
    fixed = {**UNORDERED, **recipient}
    found: dict[str, Outcome] = {}
    reached: dict[int, Outcome] = {}
    for spec, classes, _ in lines_of(policy, message, tuple(specs), {}):
        for _, rules in classes:
            if id(rules) not in reached:
                reached[id(rules)] = most_that_goes(rules, fixed)
        most = max(reached[id(rules)] for _, rules in classes)
        if most is Outcome.GENERALISE and not (spec.general and spec.generaliser):
            most = Outcome.WITHHOLD
        found[spec.path] = most
        if spec.general:
            found[general_of(spec)] = Outcome.DISCLOSE if most <= Outcome.GENERALISE else most
    return found
