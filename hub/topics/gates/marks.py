"""Marks of a field that guard something besides its class: keys, general forms, references, owners.

A key given up is refused, since a record is held back when its key is. A general form is what goes where
the exact value may not, so what is one, of what, and how it is made stays as it is. A reference of the
hub's own goes to each partner in a form of its own, or partners could join their records. The owner of a
list item says whose it is; another owner would show it to another organisation as its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hub.topics.avro.names import simple_name
from hub.topics.avro.schema import Record
from hub.topics.findings import Finding, Weight
from hub.topics.gates.labels import Gate, text_of
from hub.topics.gates.pairs import Kept, TypePair


def marks(gate: Gate, both: Kept, since: str) -> Iterator[Finding]:
    """Judge the marks of one field; `since` says which older version is meant, if not the one before."""
    yield from _key(gate, both, since)
    yield from _general(gate, both, since)
    yield from _pairwise(gate, both, since)


def _key(gate: Gate, both: Kept, since: str) -> Iterator[Finding]:
    """A key stays a key; a new key holds back records that go today."""
    was, becomes = both.old.properties.get("key") is True, both.new.properties.get("key") is True
    if was == becomes:
        return
    if was:
        what = f"it was a key{since}: where it is held back, the record would now go without it"
        fix = "keep key true"
    else:
        what = "it became a key: where it is held back, the whole record is held back from now on"
        fix = "keep it an ordinary field unless a record means nothing without it"
    yield gate.finding(
        "KEY-CHANGED",
        both.path,
        what,
        old="key" if was else "no key",
        new="key" if becomes else "no key",
        fix=fix,
        weight=Weight.REFUSED if was else Weight.WARNING,
    )


def _general(gate: Gate, both: Kept, since: str) -> Iterator[Finding]:
    """A general form stays what it is; one given up is a warning, one given is for somebody to sign."""
    was = (text_of(both.old, "general"), text_of(both.old, "generaliser"))
    becomes = (text_of(both.new, "general"), text_of(both.new, "generaliser"))
    made = both.old.properties.get("isGeneral") is True, both.new.properties.get("isGeneral") is True
    if made[0] != made[1]:
        yield gate.finding(
            "GENERAL-CHANGED",
            both.path,
            f"whether it is the general form of another field changed{'' if made[1] else since}: one is"
            " filled by the hub and goes where the exact value may not, the other is for senders",
            old="general form" if made[0] else "field of its own",
            new="general form" if made[1] else "field of its own",
            fix="give the other one a new name",
        )
    if was == becomes:
        return
    lost, gained = not any(becomes), not any(was)
    if lost:
        what = f"its general form{since} is given up: whoever gets that today would get nothing"
        weight, fix = Weight.WARNING, "tell the partners that get it today before it is released"
    elif gained:
        what = "it is given a general form: whoever the rules generalise it for gets that instead of nothing"
        weight, fix = Weight.SIGN_OFF, "have the owner of its class sign it off in the manifest"
    else:
        what = f"its general form{since} is made in another way or from another field"
        weight, fix = Weight.REFUSED, "keep it, and give the other general form a new name"
    yield gate.finding(
        "GENERAL-CHANGED",
        both.path,
        what,
        old=" by ".join(filter(None, was)),
        new=" by ".join(filter(None, becomes)),
        fix=fix,
        weight=weight,
    )


def _pairwise(gate: Gate, both: Kept, since: str) -> Iterator[Finding]:
    """A reference of the hub's own stays in the form that is each partner's own."""
    was, becomes = text_of(both.old, "pairwise"), text_of(both.new, "pairwise")
    if was == becomes:
        return
    if was:
        yield gate.finding(
            "PAIRWISE-LOST",
            both.path,
            f"it was a reference made for each recipient{since}: in one form for all, partners could join"
            " their records on it",
            old=was,
            new=becomes or "the same for all",
            fix=f"keep pairwise {was}",
        )
    else:
        yield gate.finding(
            "PAIRWISE-GAINED",
            both.path,
            "it is made for each recipient from now on: references partners hold are found no more",
            old="the same for all",
            new=becomes,
            fix="give the new reference a name of its own",
            weight=Weight.WARNING,
        )


def owners(gate: Gate, types: Iterable[TypePair]) -> Iterator[Finding]:
    """Judge which field of a record says to whom it belongs."""
    for each in types:
        if not isinstance(each.old, Record) or not isinstance(each.new, Record):
            continue
        was, becomes = each.old.properties.get("own"), each.new.properties.get("own")
        if was == becomes:
            continue
        if was is None:
            what = "its items belong to organisations from now on: each gets its own by other rules"
        elif becomes is None:
            what = "its items belong to nobody any more: rules that hold back those of others hold nothing"
        else:
            what = "another field says to whom an item belongs: it would go to that one as its own"
        yield gate.finding(
            "OWN-CHANGED",
            each.path or simple_name(each.new.name),
            what,
            old=str(was or "nobody"),
            new=str(becomes or "nobody"),
            fix="keep own as it is" if was else "have the owner of the rules sign it off in the manifest",
            weight=Weight.REFUSED if was else Weight.SIGN_OFF,
        )
