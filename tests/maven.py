"""Jars for tests, fetched by Maven, verified against a list of digests and kept under HUB_HOME."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hub.installation import tools
from hub.installation.home import hub_home

_MAVEN_TIMEOUT_S = 240


def jars(name: str, lists: Path) -> Path:
    """The folder with just the jars of `jars.sha256`, which Maven fills from the `pom.xml` beside it."""
    wanted = (lists / "jars.sha256").read_text(encoding="utf-8")
    folder = hub_home() / "jars" / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder.parent))
        ran = subprocess.run(
            [
                *(tools.maven(), "-B", "-q", "-f", str(lists / "pom.xml"), "dependency:copy-dependencies"),
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
