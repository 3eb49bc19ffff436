"""One line per thing under way: rewritten in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from dataclasses import dataclass, field


@dataclass
class _Lane:
    """One thing under way; `stage` is what it is at, `detail` moves faster."""

    stage: str = "waiting"
    detail: str = ""
    since: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def text(self, name: str) -> str:
        """The lane as one line."""
        seconds = (self.ended or time.monotonic()) - self.since
        detail = f" {self.detail}" if self.detail else ""
        return f"  {name:<16} {self.stage}{detail}  {seconds:.0f} s"


class Progress:
    """The lanes of a first start. Safe to call from several threads."""

    def __init__(self, names: list[str]) -> None:
        """Show nothing yet; the first change does."""
        self._lanes = {name: _Lane() for name in names}
        self._terminal = sys.stdout.isatty()
        self._drawn = False
        self._lock = threading.Lock()

    def at(self, name: str, stage: str, detail: str = "", *, done: bool = False) -> None:
        """Move a lane to a stage; details alone are shown on a terminal only."""
        with self._lock:
            lane = self._lanes[name]
            new_stage = stage != lane.stage
            lane.stage, lane.detail = stage, detail
            if done:
                lane.ended = time.monotonic()
            if not self._terminal and (new_stage or done):
                sys.stdout.write(lane.text(name) + "\n")
                sys.stdout.flush()
        self.redraw()

    def redraw(self) -> None:
        """Rewrite all lines in place; nothing where the output is not a terminal."""
        if not self._terminal:
            return
        with self._lock:
            up = f"\x1b[{len(self._lanes)}A" if self._drawn else ""
            # A line that wraps would be two, and the way up one too short.
            width = shutil.get_terminal_size().columns - 1
            texts = (lane.text(name)[:width] for name, lane in self._lanes.items())
            lines = "".join(f"\x1b[2K{text}\n" for text in texts)
            sys.stdout.write(up + lines)
            sys.stdout.flush()
            self._drawn = True
