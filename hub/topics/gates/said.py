"""One change of meaning, and values of a schema compared and shown as JSON tells them apart."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hub.topics.findings import Finding, Weight

_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Change:
    """A change found, before it is said of which schema."""

    rule: str
    where: str
    what: str
    old: str
    new: str
    fix: str
    weight: Weight = Weight.REFUSED

    def finding(self, schema: str) -> Finding:
        """Say of which schema."""
        return Finding(
            rule=self.rule,
            schema=schema,
            where=self.where,
            what=sentence(self.what),
            old=self.old,
            new=self.new,
            fix=self.fix,
            weight=self.weight,
        )


def sentence(text: str) -> str:
    """Return a clause as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def same_value(left: object, right: object) -> bool:
    """Tell whether two values of a schema are one in JSON, where 1, 1.0 and true are three."""
    return left is right or (
        type(left) is type(right)
        and (_text(left) == _text(right) if isinstance(left, dict | list) else left == right)
    )


def shown(value: object) -> str:
    """Return a value of a schema in short, for a finding; `none` where there is none."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else _text(value)
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


def _text(value: object) -> str:
    """Return a value as JSON."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
