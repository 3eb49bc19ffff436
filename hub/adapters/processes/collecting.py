"""How often Python looks for what only refers to itself: seldom, as the hub makes little of it."""

from __future__ import annotations

import gc

THRESHOLDS = (10_000, 20, 50)
"""After so many new objects the youngest are looked through, after so many such times the older ones."""


def collect_seldom() -> None:
    """Leave what is loaded by now out of it for good, and look through the rest at larger intervals.

    What the hub makes by the thousand refers to nothing that refers back, so it is gone without it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
