"""Which versions of a schema must be able to read which, and what a new version finds in its way."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from hub.topics.avro.advice import Direction, told
from hub.topics.avro.compatibility import check
from hub.topics.avro.schema import Type
from hub.topics.findings import Finding


class Mode(StrEnum):
    """Compatibility modes, named as schema registries name them."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    """The new version reads what was written with the one before."""
    FORWARD = "FORWARD"
    """The version before reads what is written with the new one."""
    FULL = "FULL"
    """Both."""
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    """With every earlier version, not only the one before."""
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def directions(self) -> tuple[Direction, ...]:
        """What is checked with each of the versions."""
        return _DIRECTIONS[self.removesuffix("_TRANSITIVE")]

    @property
    def transitive(self) -> bool:
        """Whether every earlier version counts."""
        return self.endswith("_TRANSITIVE")


_DIRECTIONS: dict[str, tuple[Direction, ...]] = {
    "NONE": (),
    "BACKWARD": (Direction.BACKWARD,),
    "FORWARD": (Direction.FORWARD,),
    "FULL": (Direction.BACKWARD, Direction.FORWARD),
}


def compare(
    new: Type, older: Sequence[tuple[str, Type]], mode: Mode, *, label: str = "the new version"
) -> tuple[Finding, ...]:
    """Return what keeps a new version from being released beside its older ones.

    Args:
        new: The new version.
        older: Label and schema of each earlier version, the newest last.
        mode: What has to be possible; the modes that are not transitive look at the newest one only.
        label: How findings call the new version, e.g. `progress 1.2`.

    Raises:
        SchemaRefused: Two of the schemas have too many types to compare.
    """
    findings: list[Finding] = []
    for known, schema in older if mode.transitive else older[-1:]:
        for direction in mode.directions:
            reader, writer = (new, schema) if direction is Direction.BACKWARD else (schema, new)
            findings.extend(told(each, direction, new=label, old=known) for each in check(reader, writer))
    return tuple(findings)
