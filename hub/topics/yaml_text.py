"""Documents as YAML for people and machines: one text for equal documents, the same for YAML 1.1 and 1.2.

Names keep their order, long lines are not folded, nothing is written as a reference to what stands above.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import yaml

_FLOAT_1_2 = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")


class _Dumper(yaml.SafeDumper):
    """Writes whole values, texts of several lines as they are."""

    def ignore_aliases(self, data: object) -> bool:
        """Write what stands in two places twice."""
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as the base has it
        """Indent the items of a list under its name."""
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Write a text; one of several lines keeps them, one that YAML 1.2 takes for a number is quoted."""
    style = "|" if "\n" in value else "'" if _FLOAT_1_2.fullmatch(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(document: Mapping[str, object]) -> str:
    """Return a document of JSON's values as YAML text, LF at each line's end.

    Raises:
        TypeError: It holds a value that JSON does not have.
    """
    plain = json.loads(json.dumps(document, allow_nan=False))
    text: str = yaml.dump(
        plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), line_break="\n"
    )
    return text
