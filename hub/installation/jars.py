"""The Kafka broker's jars: from the verified folder, the local Maven repository, or Maven.

Whatever brought them, every jar must have the digest in our own list; the folder is put in place in
one step when all have.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hub.errors import NotConfigured
from hub.installation import home, tools

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.installation.commands import Commands

LANE = "Kafka jars"
STEP = "jars"
MEGABYTES = 46
_POM = home.JAR_LIST.parent / "pom.xml"
_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}


def listed() -> dict[str, str]:
    """Name of every jar and its SHA-256, as our list has them."""
    lines = home.JAR_LIST.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def verify(folder: Path) -> list[str]:
    """Names of jars that are missing from the folder or differ from our list."""
    return [name for name, digest in listed().items() if not _matches(folder / name, digest)]


def fetch(folder: Path, commands: Commands, at: Callable[[str, str], None]) -> None:
    """Fill `folder` with verified jars.

    Raises:
        NotConfigured: A jar differs from our list, or Java or Maven is missing.
        Unreachable: Maven failed.
    """
    building = folder.with_name(f"{folder.name}.building")
    for leftover in (building, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    building.mkdir(parents=True)
    at("looking in the local Maven repository", "")
    if not _from_local_repository(building):
        _by_maven(building, commands, at)
    at("verifying", f"{len(listed())} digests")
    wrong = verify(building)
    if wrong:
        shutil.rmtree(building)
        message = f"{len(wrong)} jar(s) differ from our list of digests, the first: {wrong[0]}"
        fix = (
            "nothing of it was used. Remove that artifact from the local Maven repository and try again; "
            "if it happens again, the mirror Maven uses serves something else: tell whoever runs it"
        )
        raise NotConfigured(message, fix=fix)
    home.mark_complete(building)
    building.rename(folder)


def need_maven() -> bool:
    """Whether some jar isn't even in the local Maven repository."""
    repository = local_repository()
    return not all((repository / path).is_file() for path in _repository_paths())


def _matches(file: Path, digest: str) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest


def _from_local_repository(target: Path) -> bool:
    repository = local_repository()
    wanted = listed()
    for path in _repository_paths():
        file = repository / path
        if not _matches(file, wanted[file.name]):
            return False
        shutil.copyfile(file, target / file.name)
    return True


def _repository_paths() -> list[Path]:
    root = ET.parse(_POM).getroot()  # noqa: S314 - our own file
    kafka = root.findtext("m:properties/m:kafka.version", namespaces=_NAMESPACE) or ""
    paths = []
    for dependency in root.iterfind("m:dependencies/m:dependency", _NAMESPACE):
        group, artifact, version = (
            dependency.findtext(f"m:{tag}", "", _NAMESPACE) for tag in ("groupId", "artifactId", "version")
        )
        version = version.replace("${kafka.version}", kafka)
        paths.append(Path(*group.split("."), artifact, version, f"{artifact}-{version}.jar"))
    return paths


def local_repository() -> Path:
    """Where Maven keeps what it fetched, as its options and settings say."""
    options = f"{os.environ.get('MAVEN_ARGS', '')} {os.environ.get('MAVEN_OPTS', '')}"
    given = re.search(r"-Dmaven\.repo\.local=(\S+)", options)
    if given:
        return Path(given[1])
    settings = Path.home() / ".m2" / "settings.xml"
    if settings.is_file():
        found = re.search(
            r"<localRepository>([^<$]+)</localRepository>", settings.read_text(encoding="utf-8")
        )
        if found:
            return Path(found[1].strip())
    return Path.home() / ".m2" / "repository"


def _by_maven(target: Path, commands: Commands, at: Callable[[str, str], None]) -> None:
    wanted = listed()
    fetched: set[str] = set()

    def count(line: str) -> None:
        found = re.search(r"Downloaded from .*/([^/]+\.jar)\b", line)
        if found and found[1] in wanted:
            fetched.add(found[1])
        at("fetching with Maven", f"{len(fetched)} of {len(wanted)}")

    at("fetching with Maven", "")
    commands.run(
        STEP,
        [tools.maven(), "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={target}"],
        environment=os.environ,
        on_line=count,
    )
