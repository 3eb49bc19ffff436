"""YAML as people write contracts and manifests: bounded, without aliases, which can make a text explode."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

BYTES_MAX = 1_048_576
"""No file of contracts is larger."""
_DEPTH_MAX = 20


class _Loader(yaml.SafeLoader):
    """Reads plain values, and refuses aliases, doubled names and what is nested too deeply."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("an alias (*name): write it out")
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise yaml.YAMLError(f"nested deeper than {_DEPTH_MAX} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the library's signature
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        doubled = [name for name, times in Counter(names).items() if times > 1]
        if doubled:
            raise yaml.YAMLError(f"{min(doubled)} stands twice")
        return super().construct_mapping(node, deep)


def read_yaml(file: Path) -> Any:  # noqa: ANN401 - whatever it holds
    """Return what a file holds.

    Raises:
        OSError, UnicodeDecodeError: It cannot be read.
        yaml.YAMLError: It is no YAML, too large, nested too deeply, or has an alias or a name twice.
    """
    if file.stat().st_size > BYTES_MAX:
        raise yaml.YAMLError(f"larger than {BYTES_MAX} bytes")
    loader = _Loader(file.read_text(encoding="utf-8"))
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
