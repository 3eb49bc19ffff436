"""How long the hub waits for a registry, how often it tries, and how much it reads of an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLimits:
    """The bounds of every call; no setting changes them, tests shorten them."""

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    call_timeout_s: float = 30.0
    """Longest wait for one call, every attempt and pause included."""
    attempts_max: int = 4
    """Attempts at one call; only an answer of 5xx or 429, or none, is tried again."""
    first_pause_s: float = 0.25
    """Pause before the second attempt; it doubles before each further one."""
    pause_s_max: float = 2.0
    answer_bytes_max: int = 4_194_304
    """Most bytes read of one answer."""
    versions_max: int = 1000
    """Most versions of one subject that are compared."""
    reason_chars_max: int = 600
    """Most characters shown of the reason a registry gives."""
