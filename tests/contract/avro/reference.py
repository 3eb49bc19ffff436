"""Avro Java, asked about many pairs of schemas in one run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.installation import tools
from tests.maven import jars

_HERE = Path(__file__).parent
_JAVA_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that may be schemas; `normalised` is what we make of the new one, if anything."""

    old: str
    new: str
    normalised: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a pair."""

    old: str
    """taken or refused."""
    new: str
    backward: str
    """yes, no, ambiguous (a field that two fields could fill), or - where one of them was refused."""
    forward: str
    normalised: str
    """same, other, or - where there is nothing to compare."""


def judge(pairs: Sequence[Pair]) -> list[Verdict]:
    """Return Avro Java's verdict on each pair."""
    lines = [json.dumps({"old": pair.old, "new": pair.new, "normalised": pair.normalised}) for pair in pairs]
    ran = subprocess.run(
        [
            tools.java(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{jars('avro', _HERE)}/*",
            str(_HERE / "Compare.java"),
        ],
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_JAVA_TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, f"a Java development kit is needed: {ran.stderr[-2000:]}"
    verdicts = [Verdict(*line.split()) for line in ran.stdout.splitlines()]
    assert len(verdicts) == len(pairs)
    return verdicts
