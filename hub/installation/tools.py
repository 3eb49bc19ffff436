"""The tools a machine must bring: Java and Maven, found, or missed by name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from hub.errors import NotConfigured

OLDEST_JAVA = 17
_ASK_TIMEOUT_S = 20


def java() -> str:
    """The path of a Java new enough for the broker.

    Raises:
        NotConfigured: There is none, or it is too old.
    """
    fix = (
        f"install a Java {OLDEST_JAVA} runtime (Debian: apt install openjdk-17-jre-headless) "
        "or set JAVA_HOME; or set HUB_KAFKA=host:port to use a broker you have"
    )
    path = _java_path()
    if path is None:
        message = f"Java {OLDEST_JAVA} or newer is needed to run the Kafka broker, and no java was found"
        raise NotConfigured(message, fix=fix)
    version = java_version(path)
    if version < OLDEST_JAVA:
        message = f"Java {OLDEST_JAVA} or newer is needed to run the Kafka broker; {path} is Java {version}"
        raise NotConfigured(message, fix=fix)
    return path


def java_version(path: str) -> int:
    """The feature number of a Java (17, 21, …); 0 where it does not tell."""
    asked = subprocess.run(  # noqa: S603 - a program found on this machine, no shell
        [path, "-version"], capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=False
    )
    found = re.search(r'version "(?:1\.)?(\d+)', asked.stderr + asked.stdout)
    return int(found[1]) if found else 0


def maven() -> str:
    """The path of Maven.

    Raises:
        NotConfigured: There is none.
    """
    path = shutil.which("mvn")
    if path is None:
        message = "Maven is needed to fetch the Kafka broker's jars, and no mvn was found"
        fix = "install Maven (Debian: apt install maven); or set HUB_KAFKA=host:port to use a broker you have"
        raise NotConfigured(message, fix=fix)
    return path


def _java_path() -> str | None:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return str(Path(home) / "bin" / "java")
    return shutil.which("java")
