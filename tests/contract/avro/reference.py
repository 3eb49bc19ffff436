"""Avro Java, asked about many pairs of schemas in one run.

Its jars come from Maven, are verified against our own list of digests and kept under HUB_HOME.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.installation import tools
from hub.installation.home import hub_home

_HERE = Path(__file__).parent
_MAVEN_TIMEOUT_S = 240
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
        [tools.java(), "-XX:TieredStopAtLevel=1", "-cp", f"{_jars()}/*", str(_HERE / "Compare.java")],
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


def _jars() -> Path:
    """The folder with exactly the jars of our list, filled by Maven if it is not there."""
    wanted = (_HERE / "jars.sha256").read_text(encoding="utf-8")
    folder = hub_home() / "jars" / f"avro-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix="avro-", dir=folder.parent))
        ran = subprocess.run(
            [
                *(tools.maven(), "-B", "-q", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies"),
                f"-DoutputDirectory={building}",
            ],
            capture_output=True,
            text=True,
            timeout=_MAVEN_TIMEOUT_S,
            check=False,
            env=os.environ,
        )
        assert ran.returncode == 0, ran.stdout[-2000:]
        assert _digests(building) == {line.split()[1]: line.split()[0] for line in wanted.splitlines()}
        try:
            building.rename(folder)
        except OSError:
            # Another run was quicker; its folder was verified likewise.
            shutil.rmtree(building)
    return folder


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
