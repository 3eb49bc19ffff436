"""The clock of a story in which months pass while it is told.

The broker stamps records with its own time all the while. A stamp is moved on by as much as the story had
been moved on when it was made, so that the same log always gives the same moments.
"""

from __future__ import annotations

from bisect import bisect_right

from hub.adapters.kafka.clock import Clock, wall_ms
from hub.messages.identifiers import Instant


class StoryClock(Clock):
    """A clock that can be moved on; between moves it goes as this machine's does."""

    def __init__(self) -> None:
        """Begin with this machine's time."""
        self._since: list[int] = [0]
        self._ahead: list[int] = [0]

    def at(self, stamp_ms: int) -> Instant:
        """Return the moment of a record, by how far the story had been moved on when it was stamped."""
        return Instant(stamp_ms + self._ahead[bisect_right(self._since, stamp_ms) - 1])

    def move_to(self, moment: int) -> None:
        """Move on to a moment that is still to come.

        Raises:
            ValueError: The story is past it already; time does not go back.
        """
        now = wall_ms()
        if moment < self.at(now):
            message = "the story's time does not go back"
            raise ValueError(message)
        # A stamp of this very millisecond belongs to what was before.
        self._since.append(now + 1)
        self._ahead.append(moment - now)
