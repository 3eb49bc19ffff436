"""Records nobody changes, cheap to make: for what is made by the thousand a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_Made = TypeVar("_Made")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def record(cls: type[_Made]) -> type[_Made]:
    """Make a dataclass with slots that the type checker knows as frozen.

    A frozen one sets each of its fields by a call, which makes it three times as slow to make; that no code
    changes one is checked before the code runs.
    """
    return dataclass(slots=True, kw_only=True)(cls)
