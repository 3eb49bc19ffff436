"""Every contract spoilt at every field: what the gates must not let pass, made from the schemas."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.messages.envelope import InformationClass, Subject
from hub.topics.library import SCHEMAS, read_manifest

Json = dict[str, Any]
NUMBERS = frozenset({"int", "long", "float", "double"})
NUMERIC_BOUNDS = ("minLength", "maxLength", "minimum", "maximum", "maxItems")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One thing done to a contract: which, at which field, and which rule must find it."""

    name: str
    path: str
    rule: str
    old: Json
    new: Json


@dataclass(frozen=True, slots=True)
class Spot:
    """A field of a schema: its path, how to reach it in a copy, and what it says."""

    path: str
    steps: tuple[int, ...]
    said: Json


def field(name: str, information_class: str = "progress", **more: object) -> Json:
    """A field of a message as contracts label it."""
    return {
        "name": name,
        "type": ["null", "string"],
        "default": None,
        "doc": "A field.",
        "infoClass": information_class,
        "sensitive": information_class == "health",
        "subject": "person",
        "statement": "fact",
        **more,
    }


def message(*fields: Json, name: str = "progress") -> Json:
    """A message with these fields."""
    space = f"hub.{name.replace('-', '_')}.v1"
    return {"type": "record", "name": "Message", "namespace": space, "doc": "One.", "fields": list(fields)}


def contracts() -> dict[str, Json]:
    """Return every schema of kind message or envelope, by name and version."""
    return {
        f"{entry['name']} {entry['version']}": json.loads((SCHEMAS / str(entry["file"])).read_text())
        for entry in read_manifest(SCHEMAS)
        if entry["kind"] in {"message", "envelope"}
    }


def inner_record(field: Json) -> Json | None:
    """Return the record in a field, through null and a list."""
    kind = held(field)
    if isinstance(kind, dict) and kind["type"] == "array":
        kind = kind["items"]
    return kind if isinstance(kind, dict) and kind["type"] == "record" else None


def held(field: Json) -> Any:  # noqa: ANN401 - JSON
    """Return the type of a field, null apart."""
    return field["type"][1] if isinstance(field["type"], list) else field["type"]


def spots(schema: Json) -> list[Spot]:
    """Return every field, those of inner records too."""
    found: list[Spot] = []
    ahead: list[tuple[str, tuple[int, ...], Json]] = [("", (), schema)]
    while ahead:
        prefix, steps, record = ahead.pop()
        for index, field in enumerate(record["fields"]):
            path = f"{prefix}{field['name']}"
            found.append(Spot(path, (*steps, index), field))
            inner = inner_record(field)
            if inner is not None:
                mark = "[]" if held(field)["type"] == "array" else ""
                ahead.append((f"{path}{mark}.", (*steps, index), inner))
    return found


def record_of(schema: Json, steps: tuple[int, ...]) -> Json:
    """Return the record that a field's steps lead into."""
    record: Json = schema
    for index in steps[:-1]:
        inner = inner_record(record["fields"][index])
        assert inner is not None
        record = inner
    return record


def changed(schema: Json, spot: Spot, change: Callable[[Json], object]) -> Json:
    """Return a copy of a schema with one field changed."""
    new = copy.deepcopy(schema)
    change(record_of(new, spot.steps)["fields"][spot.steps[-1]])
    return new


def beside(schema: Json, spot: Spot, field: Json) -> Json:
    """Return a copy of a schema with a further field beside one."""
    new = copy.deepcopy(schema)
    record_of(new, spot.steps)["fields"].append(field)
    return new


def giving(**properties: object) -> Callable[[Json], object]:
    """Return a change that gives a field properties."""
    return lambda field: field.update(properties)


def losing(name: str) -> Callable[[Json], object]:
    """Return a change that takes a property from a field."""
    return lambda field: field.pop(name)


def class_mutations(schema: Json) -> Iterator[Mutation]:
    """Yield what lets out more, or gives up a mark; changes of class and subject are in `relabellings`."""
    for spot in spots(schema):
        said = spot.said
        yield _at(schema, spot, "class removed", "CLASS-LOST", losing("infoClass"))
        yield _at(schema, spot, "no such class", "CLASS-UNKNOWN", giving(infoClass="gossip"))
        yield _at(schema, spot, "no subject", "SUBJECT-CHANGED", losing("subject"))
        extra = {"name": "further", "type": ["null", "string"], "default": None}
        for name, rule, field in (
            ("field without class", "CLASS-MISSING", extra),
            ("field of no class there is", "CLASS-UNKNOWN", {**extra, "infoClass": "gossip"}),
        ):
            where = f"{spot.path.rpartition('.')[0]}.further".lstrip(".")
            yield Mutation(name, where, rule, schema, beside(schema, spot, field))
        if said["sensitive"]:
            yield _at(schema, spot, "sensitive false", "SENSITIVE-LOST", giving(sensitive=False))
            yield _at(schema, spot, "sensitive removed", "SENSITIVE-LOST", losing("sensitive"))
        if said.get("key"):
            yield _at(schema, spot, "key removed", "KEY-CHANGED", losing("key"))
            yield _at(schema, spot, "key false", "KEY-CHANGED", giving(key=False))
        if "pairwise" in said:
            yield _at(schema, spot, "pairwise removed", "PAIRWISE-LOST", losing("pairwise"))
        if "general" in said:
            yield _at(
                schema, spot, "another way to generalise", "GENERAL-CHANGED", giving(generaliser="other")
            )
            yield _at(schema, spot, "another general form", "GENERAL-CHANGED", giving(general="other"))
        if said.get("isGeneral"):
            yield _at(schema, spot, "a general form no more", "GENERAL-CHANGED", losing("isGeneral"))
        else:
            yield _at(schema, spot, "made a general form", "GENERAL-CHANGED", giving(isGeneral=True))
        yield from _owner(schema, spot)


def _owner(schema: Json, spot: Spot) -> Iterator[Mutation]:
    """Yield a record that belongs to nobody any more, or to whom another field names."""
    inner = inner_record(spot.said)
    if inner is None or "own" not in inner:
        return

    def nobody(field: Json) -> None:
        record = inner_record(field)
        assert record is not None
        del record["own"]

    def another(field: Json) -> None:
        record = inner_record(field)
        assert record is not None
        record["own"] = record["fields"][0]["name"]

    for name, change in (("own removed", nobody), ("another owner", another)):
        yield Mutation(name, f"{spot.path}[]", "OWN-CHANGED", schema, changed(schema, spot, change))


def relabellings(schema: Json) -> Iterator[tuple[Mutation, Json]]:
    """Yield every other class and subject at every field, with the field as it then is."""
    for spot in spots(schema):
        others: list[Mapping[str, str]] = [
            *({"infoClass": each.value} for each in InformationClass if each != spot.said["infoClass"]),
            *({"subject": each.value} for each in Subject if each != spot.said["subject"]),
        ]
        for other in others:
            ((name, value),) = other.items()
            new = changed(schema, spot, giving(**other))
            yield Mutation(f"{name} {value}", spot.path, "", schema, new), {**spot.said, **other}


def semantic_mutations(schema: Json) -> Iterator[Mutation]:
    """Yield what makes the same words or bytes mean something else."""
    moved = copy.deepcopy(schema)
    moved["namespace"] += "x"
    yield Mutation("namespace", schema["name"], "NAMESPACE-CHANGED", schema, moved)
    named = copy.deepcopy(schema)
    named["name"] += "X"
    yield Mutation("name", named["name"], "NAME-CHANGED", schema, named)
    for spot in spots(schema):
        said = spot.said
        other = "fact" if said["statement"] == "assessment" else "assessment"
        yield _at(schema, spot, f"statement {other}", "STATEMENT-CHANGED", giving(statement=other))
        unit = changed(schema, spot, giving(unit="days"))
        for name, change in (("unit hours", giving(unit="hours")), ("unit removed", losing("unit"))):
            yield Mutation(name, spot.path, "UNIT-CHANGED", unit, changed(unit, spot, change))
        yield _at(schema, spot, "unit given", "UNIT-CHANGED", giving(unit="days"))
        yield from _bounds(schema, spot)
        yield from _defaults(schema, spot)
        yield from _logical(schema, spot)
        yield from _choices(schema, spot)


def _at(schema: Json, spot: Spot, name: str, rule: str, change: Callable[[Json], object]) -> Mutation:
    """Return a mutation of one field."""
    return Mutation(name, spot.path, rule, schema, changed(schema, spot, change))


def _bounds(schema: Json, spot: Spot) -> Iterator[Mutation]:
    """Yield every bound narrower, and forms that were not there."""
    for name in NUMERIC_BOUNDS:
        if name in spot.said:
            narrower = spot.said[name] + (1 if name.startswith("min") else -1)
            yield _at(schema, spot, f"{name} narrower", "BOUND-NARROWED", giving(**{name: narrower}))
        else:
            yield _at(schema, spot, f"{name} given", "BOUND-NARROWED", giving(**{name: 1}))
    for name in ("pattern", "format"):
        yield _at(schema, spot, f"another {name}", "BOUND-NARROWED", giving(**{name: "^other$"}))


def _defaults(schema: Json, spot: Spot) -> Iterator[Mutation]:
    """Yield a default of another value, and none where there was one."""
    kind = held(spot.said)
    plain = kind if isinstance(kind, str) else kind["type"]
    values = {"string": "x", "boolean": True, "array": [], "bytes": "x", "map": {"x": "y"}} | dict.fromkeys(
        NUMBERS, 1
    )
    value = kind["symbols"][-1] if plain == "enum" else values.get(plain)
    if value is None or "default" not in spot.said:
        return
    other = giving(type=[kind, "null"] if isinstance(spot.said["type"], list) else kind, default=value)
    yield _at(schema, spot, "another default", "DEFAULT-CHANGED", other)
    yield _at(schema, spot, "default removed", "DEFAULT-CHANGED", losing("default"))


def _logical(schema: Json, spot: Spot) -> Iterator[Mutation]:
    """Yield numbers read as other values: another logical type, another scale, fewer digits."""
    kind = held(spot.said)
    plain = kind if isinstance(kind, str) else kind["type"]
    if plain not in NUMBERS:
        return

    def with_type(new: object) -> Callable[[Json], object]:
        return lambda field: field.update(
            type=["null", new] if isinstance(field["type"], list) else new,
        )

    stated = kind.get("logicalType") if isinstance(kind, dict) else None
    if stated:
        yield _at(schema, spot, f"{stated} removed", "LOGICAL-TYPE-CHANGED", with_type(plain))
    if plain in {"int", "long"}:
        other = {"type": plain, "logicalType": "time-millis" if plain == "int" else "timestamp-micros"}
        yield _at(schema, spot, "another logical type", "LOGICAL-TYPE-CHANGED", with_type(other))
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}
    money = changed(schema, spot, with_type(decimal))
    for rule, change in (
        ("SCALE-CHANGED", {"scale": 4}),
        ("SCALE-CHANGED", {"scale": 0}),
        ("PRECISION-NARROWED", {"precision": 5}),
        ("LOGICAL-TYPE-CHANGED", {"logicalType": "other"}),
    ):
        new = changed(money, spot, with_type({**decimal, **change}))
        yield Mutation(f"decimal {change}", spot.path, rule, money, new)


def _choices(schema: Json, spot: Spot) -> Iterator[Mutation]:
    """Yield choices whose default moved, whose first symbol changed places, of which a symbol went."""
    kind = held(spot.said)
    listed = isinstance(kind, dict) and kind["type"] == "array"
    choice = kind["items"] if listed else kind
    if not isinstance(choice, dict) or choice["type"] != "enum" or len(choice["symbols"]) < 3:
        return
    where = f"{spot.path}[]" if listed else spot.path
    symbols = choice["symbols"]

    def with_choice(**change: object) -> Callable[[Json], object]:
        def spoil(field: Json) -> None:
            inner = held(field)
            target = inner["items"] if listed else inner
            target.update(change)

        return spoil

    cautious = changed(schema, spot, with_choice(default=symbols[0]))
    for name, rule, change in (
        ("default moved", "ENUM-DEFAULT-CHANGED", with_choice(default=symbols[1])),
        ("turned round", "SYMBOL-REORDERED-FIRST", with_choice(symbols=symbols[::-1])),
        (
            "a more cautious symbol",
            "ENUM-DEFAULT-CHANGED",
            with_choice(symbols=["WORSE", *symbols], default="WORSE"),
        ),
        (
            "a first symbol",
            "SYMBOL-REORDERED-FIRST",
            with_choice(symbols=["WORSE", *symbols]),
        ),
    ):
        yield Mutation(name, where, rule, cautious, changed(cautious, spot, change))
    bare = changed(
        schema, spot, lambda field: (held(field)["items"] if listed else held(field)).pop("default", 0)
    )
    for name, rule, change in (
        ("symbol retired", "SYMBOL-RETIRED", with_choice(symbols=symbols[:-1])),
        ("harmless default", "ENUM-DEFAULT", with_choice(default=symbols[-1])),
        (
            "retired to a harmless one",
            "SYMBOL-RETIRED",
            with_choice(symbols=symbols[1:], default=symbols[-1]),
        ),
    ):
        yield Mutation(name, where, rule, bare, changed(bare, spot, change))
