"""Keeps the stricter classes an author declared for fields whose values a case keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.messages.envelope import InformationClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DECLARED_MAX = 64
"""More than a message has fields; what was declared first stays, so that nothing pushes it out."""


def as_declared(classes: Mapping[str, InformationClass]) -> tuple[str, ...]:
    """Return what is kept of the classes an author declared: mostly nothing, else `path=class` of each."""
    return tuple(sorted(f"{path}={of_class.value}" for path, of_class in classes.items())[:DECLARED_MAX])


def also_declared(kept: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is kept with what a further message on the same declares."""
    added = tuple(each for each in more if each not in kept)
    return tuple(sorted((*kept, *added)[:DECLARED_MAX]))


def declared(kept: Iterable[str]) -> dict[str, InformationClass]:
    """Return the declared class of each path."""
    pairs = (each.rpartition("=") for each in kept)
    return {path: InformationClass(of_class) for path, _, of_class in pairs}
