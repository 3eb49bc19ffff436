"""Random schemas and random evolutions of them, a share of both no schema at all.

Names come from a small stock, so that references, aliases and namespaces meet by accident, too.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
TYPE_NAMES = ("A", "B", "C", "D", "E", "F", "G", "H")
FIELD_NAMES = ("a", "b", "c", "d", "e", "f", "g")
SYMBOLS = ("LOW", "MEDIUM", "HIGH", "NONE", "UNKNOWN")
SPACES = ("p", "p.q", "r", "")
LOGICAL = (
    ("int", "date"),
    ("long", "timestamp-millis"),
    ("string", "uuid"),
    ("bytes", "decimal"),
    ("int", "uuid"),
)
Item = TypeVar("Item")
Schema = Any
"""Decoded JSON, taken apart and changed freely."""


class RandomSchemas:
    """Schemas and evolutions that one seed decides."""

    def __init__(self, seed: int) -> None:
        """Begin with a seed."""
        self._random = random.Random(seed)  # noqa: S311 - to be the same in every run
        self._used: list[str] = []

    def pair(self) -> tuple[str, str]:
        """Return the texts of a schema and of one that came of it, or of another by chance."""
        old = self.schema()
        new = self.schema() if self._by_chance(0.03) else copy.deepcopy(old)
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 2, 3))):
            new = self._evolved(new)
        return self._text(old), self._text(new)

    def schema(self) -> Schema:
        """Return a schema; names that meet make some of them none."""
        self._used = []
        if self._by_chance(0.15):
            return self._tangled()
        return self._record(3) if self._by_chance(0.85) else self._type(3)

    def _tangled(self) -> Schema:
        """Return records that use one another, before and after they are defined, and themselves."""
        names = self._random.sample(TYPE_NAMES, 4)
        records: list[Schema] = [
            {"type": "record", "name": name, "fields": [self._use(field, names) for field in FIELD_NAMES[:3]]}
            for name in names
        ]
        for place, record in enumerate(records[1:], start=1):
            fields = self._one(records[:place])["fields"]
            field = self._one(fields)
            if isinstance(field["type"], dict) and field["type"]["type"] == "record":
                fields.append({"name": f"z{place}", "type": record})
            else:
                field.update(type=record)
                field.pop("default", None)
        return records[0]

    def _use(self, field: str, names: list[str]) -> Schema:
        name = self._one(names)
        uses: list[tuple[Schema, Schema]] = [
            (name, {}),
            (["null", name], None),
            ([name, "null"], {}),
            (["null", *self._random.sample(names, 2)], {"a": None}),
            (["int", name], {"b": {}}),
            ({"type": "array", "items": name}, [{}]),
            ({"type": "map", "values": ["null", name]}, {"k": {"a": {}}}),
            ("string", "x"),
            ("int", 1),
        ]
        kind, default = self._one(uses)
        made = {"name": field, "type": kind}
        return {**made, "default": default} if self._by_chance(0.07) else made

    def _text(self, schema: Schema) -> str:
        return json.dumps(self._spoiled(schema) if self._by_chance(0.04) else schema)

    def _by_chance(self, share: float) -> bool:
        return self._random.random() < share

    def _one(self, choices: Sequence[Item]) -> Item:
        return self._random.choice(choices)

    def _type(self, depth: int) -> Schema:
        roll = self._random.random()
        if depth == 0 or roll < 0.35:
            return self._one(PRIMITIVES)
        if roll < 0.45 and self._used:
            return self._one(self._used)
        makers: tuple[Callable[[int], Schema], ...] = (
            self._record,
            self._record,
            self._union,
            self._union,
            self._array,
            self._map,
            self._enum,
            self._fixed,
            self._logical,
        )
        return self._one(makers)(depth)

    def _array(self, depth: int) -> Schema:
        return {"type": "array", "items": self._type(depth - 1)}

    def _map(self, depth: int) -> Schema:
        return {"type": "map", "values": self._type(depth - 1)}

    def _logical(self, _: int) -> Schema:
        kind, logical = self._one(LOGICAL)
        return {"type": kind, "logicalType": logical, "precision": 9, "scale": self._one((0, 2, 12))}

    def _union(self, depth: int) -> Schema:
        if self._by_chance(0.5):
            return ["null", self._type(depth - 1)]
        branches = [self._type(depth - 1) for _ in range(self._random.randint(0, 4))]
        if self._by_chance(0.1):
            return branches
        kept = {self._branch_name(branch): branch for branch in branches if not isinstance(branch, list)}
        return list(kept.values())

    def _branch_name(self, branch: Schema) -> str:
        if isinstance(branch, str):
            return branch
        return str(branch.get("name", branch["type"]))

    def _named(self, kind: str) -> dict[str, Schema]:
        fresh = [name for name in TYPE_NAMES if name not in self._used]
        name = self._one(fresh) if fresh and self._by_chance(0.97) else self._one(TYPE_NAMES)
        self._used.append(name)
        made: dict[str, Schema] = {"type": kind, "name": name}
        if self._by_chance(0.25):
            made["namespace"] = self._one(SPACES)
        if self._by_chance(0.1):
            made["name"] = f"{self._one(SPACES[:3])}.{name}"
            self._used[-1] = made["name"]
        if self._by_chance(0.1):
            made["aliases"] = [self._alias()]
        return made

    def _alias(self) -> str:
        return str(self._one((*TYPE_NAMES, "p.A", "p.q.B", ".C", "r.D")))

    def _record(self, depth: int) -> Schema:
        made = self._named("record")
        made["fields"] = [
            self._field(name, depth)
            for name in self._random.sample(FIELD_NAMES, self._random.choice((0, 1, 2, 2, 3, 3, 4)))
        ]
        return made

    def _field(self, name: str, depth: int) -> dict[str, Schema]:
        made: dict[str, Schema] = {"name": name, "type": self._type(max(depth - 1, 0))}
        if self._by_chance(0.4):
            self._give_default(made)
        if self._by_chance(0.08):
            made["aliases"] = [self._one(FIELD_NAMES) for _ in range(self._one((1, 1, 2)))]
        if self._by_chance(0.3):
            made["infoClass"] = self._one(("identity", "risk"))
        return made

    def _enum(self, _: int) -> Schema:
        made = self._named("enum")
        made["symbols"] = self._random.sample(SYMBOLS, self._random.randint(1, 4))
        if self._by_chance(0.4):
            made["default"] = self._one(made["symbols"])
        return made

    def _fixed(self, _: int) -> Schema:
        return {**self._named("fixed"), "size": self._one((4, 8, 12, 16))}

    def _give_default(self, field: dict[str, Schema]) -> None:
        """Mostly a value of the type, sometimes any value."""
        if self._by_chance(0.03):
            field["default"] = self._one((None, 1, "LOW", {}, [], 2.5, True, 2**40, {"a": 1}, "1.5", "1e3f"))
        else:
            field["default"] = self._value(field["type"])

    def _value(self, kind: Schema, depth: int = 4) -> Schema:
        if isinstance(kind, list):
            return self._value(self._one(kind), depth) if kind else None
        name = kind if isinstance(kind, str) else kind["type"]
        inside = self._value_within(kind, depth) if isinstance(kind, dict) else None
        if inside is not None:
            return inside
        simple = {"null": None, "boolean": True, "int": 7, "long": 2**40, "float": 1.5, "double": 2}
        return simple.get(name, "text") if name in PRIMITIVES or isinstance(kind, dict) else {}

    def _value_within(self, kind: dict[str, Schema], depth: int) -> Schema:
        """A value of an array, map, record or enum; None of what is none of these."""
        empty = depth == 0 or self._by_chance(0.5)
        match kind["type"]:
            case "array":
                return [] if empty else [self._value(kind["items"], depth - 1)]
            case "map":
                return {} if empty else {"k": self._value(kind["values"], depth - 1)}
            case "record":
                return {
                    field["name"]: self._value(field["type"], depth - 1)
                    for field in kind["fields"]
                    if "default" not in field or self._by_chance(0.5)
                }
            case "enum":
                return self._one(kind["symbols"])
        return None

    # Evolutions.

    def _evolved(self, schema: Schema) -> Schema:
        """Change one thing, anywhere; where there is nothing of the kind to change, nothing."""
        box = [schema]
        records = [node for node, _, _ in _nodes(box) if _is(node, "record")]
        changes: list[Callable[[list[Schema]], None]] = [
            self._change_type,
            self._change_union,
            self._change_enum,
            self._change_fixed,
            self._rename_type,
        ]
        if records and self._by_chance(0.65):
            self._change_record(self._one(records))
        else:
            self._one(changes)(box)
        return box[0]

    def _change_record(self, record: dict[str, Schema]) -> None:
        fields: list[dict[str, Schema]] = record["fields"]
        change = self._one(
            ("add", "add", "remove", "rename", "rename", "reorder", "default", "alias", "type")
        )
        if change == "add":
            free = [name for name in FIELD_NAMES if name not in {field["name"] for field in fields}]
            made = self._field(self._one(free or FIELD_NAMES), 2)
            if "default" not in made and self._by_chance(0.5):
                self._give_default(made)
            fields.insert(self._random.randint(0, len(fields)), made)
        elif change == "reorder":
            self._random.shuffle(fields)
        elif fields:
            self._change_field(fields, change)

    def _change_field(self, fields: list[dict[str, Schema]], change: str) -> None:
        field = self._one(fields)
        if change == "remove":
            fields.remove(field)
        elif change == "rename":
            if self._by_chance(0.6):
                field["aliases"] = [field["name"], *field.get("aliases", [])]
            field["name"] = self._one([*FIELD_NAMES, "h"])
        elif change == "default":
            if field.pop("default", self) is self or self._by_chance(0.3):
                self._give_default(field)
        elif change == "alias":
            field["aliases"] = [self._one(FIELD_NAMES)]
        else:
            field["type"] = self._other_type(field["type"])
            if "default" in field:
                self._give_default(field)

    def _other_type(self, kind: Schema) -> Schema:
        """A promotion, a nullable form, the same without null, or anything."""
        wider = {"int": "long", "long": "double", "float": "double", "string": "bytes", "bytes": "string"}
        if isinstance(kind, str) and kind in wider and self._by_chance(0.5):
            return wider[kind]
        if isinstance(kind, list) and kind and self._by_chance(0.5):
            return self._one(kind)
        if not isinstance(kind, list) and self._by_chance(0.5):
            return [kind, "null"] if self._by_chance(0.5) else ["null", kind]
        return self._type(2)

    def _change_type(self, box: list[Schema]) -> None:
        _, holder, place = self._one(list(_nodes(box)))
        holder[place] = self._other_type(holder[place])

    def _change_union(self, box: list[Schema]) -> None:
        unions = [node for node, _, _ in _nodes(box) if isinstance(node, list)]
        if not unions:
            return
        union = self._one(unions)
        if union and self._by_chance(0.4):
            union.remove(self._one(union))
        elif self._by_chance(0.3):
            self._random.shuffle(union)
        else:
            union.append(self._type(1))

    def _change_enum(self, box: list[Schema]) -> None:
        enums = [node for node, _, _ in _nodes(box) if _is(node, "enum")]
        if not enums:
            return
        enum = self._one(enums)
        if self._by_chance(0.3):
            enum["default"] = self._one(SYMBOLS)
        elif self._by_chance(0.3):
            enum.pop("default", None)
        else:
            enum["symbols"] = self._random.sample(SYMBOLS, self._random.randint(1, 5))

    def _change_fixed(self, box: list[Schema]) -> None:
        for node, _, _ in _nodes(box):
            if _is(node, "fixed"):
                node["size"] = self._one((4, 8, 16))

    def _rename_type(self, box: list[Schema]) -> None:
        named = [node for node, _, _ in _nodes(box) if isinstance(node, dict) and "name" in node]
        if not named:
            return
        node = self._one(named)
        if self._by_chance(0.4):
            node["namespace"] = self._one(SPACES)
            return
        if self._by_chance(0.6):
            node["aliases"] = [self._one((node["name"], f"p.{node['name']}", f".{node['name']}"))]
        node["name"] = self._one((*TYPE_NAMES, "p.A", "r.Z"))

    # What is no schema.

    def _spoiled(self, schema: Schema) -> Schema:
        box = [schema]
        node, holder, place = self._one(list(_nodes(box)))
        if isinstance(node, dict) and self._by_chance(0.7):
            key = self._one(sorted(node))
            if self._by_chance(0.5):
                del node[key]
            else:
                node[key] = self._one((None, 3, "1x", [], {}, "", ["null", "null"], {"type": "A"}, True))
        else:
            holder[place] = self._one((None, 4, "Unknown", "", [["int"]], ["int", "int"], {}, {"type": []}))
        return box[0]


def _is(node: Schema, kind: str) -> bool:
    return isinstance(node, dict) and node["type"] == kind


def _nodes(box: list[Schema]) -> Iterator[tuple[Schema, Any, Any]]:
    """Every type, with what holds it and its place there."""
    left: list[tuple[Any, Any]] = [(box, 0)]
    while left:
        holder, place = left.pop()
        node = holder[place]
        yield node, holder, place
        if isinstance(node, list):
            left.extend((node, index) for index in range(len(node)))
        elif isinstance(node, dict):
            left.extend((node, key) for key in ("items", "values") if key in node)
            fields = node.get("fields")
            if isinstance(fields, list):
                left.extend(
                    (field, "type") for field in fields if isinstance(field, dict) and "type" in field
                )
