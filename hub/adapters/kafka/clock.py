"""Whose time it is. The broker stamps every record; a router looks at a clock only to see a deadline pass."""

from __future__ import annotations

import time

from hub.messages.identifiers import Instant


def wall_ms() -> int:
    """Return this machine's time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Clock:
    """The time of this machine and of the broker; a story has another (hub.demo.journeys.clock)."""

    def now(self) -> Instant:
        """Return the present moment."""
        return self.at(wall_ms())

    def at(self, stamp_ms: int) -> Instant:
        """Return the moment of a record that the broker stamped so."""
        return Instant(stamp_ms)
