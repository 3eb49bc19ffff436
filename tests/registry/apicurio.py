"""A real Apicurio registry for tests: fetched once by Maven, its digest checked, started on loopback.

It keeps everything in memory and ends with the process that wanted it, however that ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING

import httpx

from hub.adapters.broker.process import free_ports
from hub.adapters.processes import Program, keep
from hub.errors import NotConfigured, Unreachable
from hub.installation import home, tools

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
API = "/apis/ccompat/v7"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy"
_FETCH_S, _READY_S, _ASK_S = 600, 120, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of Apicurio Registry, as Maven Central has it."""

    version: str
    packaging: str
    sha256: str
    jar: str
    java_oldest: int

    @property
    def artifact(self) -> str:
        """The file's name in a Maven repository."""
        return f"apicurio-registry-app-{self.version}-all.{self.packaging}"


RELEASES = {
    release.version: release
    for release in (
        Release(
            version="3.0.9",
            packaging="zip",
            sha256="8fc13160eaaafeec930a9a93b7e82da1ee8caef3eae29c9ce4b403d80a1523ea",
            jar="apicurio-registry-app-3.0.9-runner.jar",
            java_oldest=17,
        ),
        Release(
            version="3.3.3",
            packaging="tar.gz",
            sha256="8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63",
            jar="quarkus-run.jar",
            java_oldest=21,
        ),
    )
}


def java_for(release: Release) -> str | None:
    """A Java of this machine that is new enough, or none."""
    given = [os.environ.get(name) for name in ("JAVA_HOME", "JAVA21_HOME")]
    found = [Path(each) / "bin" / "java" for each in given if each]
    found += [Path(java)] if (java := shutil.which("java")) else []
    found += sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    usable = (str(java) for java in found if java.exists())
    return next((java for java in usable if tools.java_version(java) >= release.java_oldest), None)


def installed(release: Release) -> Path:
    """The folder with this release, fetched if it is not there yet.

    Raises:
        NotConfigured: Maven is missing, or what it fetched is not the release of this digest.
        Unreachable: Maven could not fetch it.
    """
    folder = home.hub_home() / "registries" / f"apicurio-{release.version}-{release.sha256[:12]}"
    with home.exclusive(folder.with_name(f"{folder.name}.lock"), lambda: None, _FETCH_S):
        if not home.is_complete(folder):
            building = folder.with_name(f"{folder.name}.building")
            for leftover in (building, folder):
                shutil.rmtree(leftover, ignore_errors=True)
            building.mkdir(parents=True)
            _fetch(release, building)
            home.mark_complete(building)
            building.rename(folder)
    return folder


def _fetch(release: Release, folder: Path) -> None:
    coordinates = f"io.apicurio:apicurio-registry-app:{release.version}:{release.packaging}:all"
    done = subprocess.run(
        [tools.maven(), "-B", "-q", _COPY, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_FETCH_S,
        check=False,
    )
    archive = folder / release.artifact
    if done.returncode != 0 or not archive.is_file():
        message = f"Maven could not fetch Apicurio {release.version}: {done.stdout[-300:]}"
        raise Unreachable(message, fix="check the network and Maven's own settings, then try again")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != release.sha256:
        archive.unlink()
        message = f"what Maven fetched as Apicurio {release.version} is not that release"
        raise NotConfigured(message, fix="tell whoever runs the mirror Maven uses; nothing of it was used")
    if release.packaging == "zip":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)  # noqa: S202 - the archive is the one of the digest above
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    archive.unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class Apicurio:
    """A running registry."""

    url: str
    """The address of its Confluent API."""
    pid: int

    def kill(self) -> None:
        """End it as a crash does."""
        os.kill(self.pid, SIGKILL)


@contextlib.contextmanager
def running(release: Release, folder: Path) -> Iterator[Apicurio]:
    """Start it, logging into the folder, and end it with the block.

    Raises:
        Unreachable: It ended by itself, or does not answer in time.
    """
    java = java_for(release)
    if java is None:
        message = f"Apicurio {release.version} needs Java {release.java_oldest} or newer, and none was found"
        raise NotConfigured(message, fix="install one, or name its folder by JAVA21_HOME")
    port, management = free_ports(2)
    properties = {
        "quarkus.http.host": HOST,
        "quarkus.http.port": port,
        # Without these, newer releases open port 9000 on every address.
        "quarkus.management.host": HOST,
        "quarkus.management.port": management,
    }
    options = ["-Xmx256m", "-XX:TieredStopAtLevel=1", *(f"-D{name}={v}" for name, v in properties.items())]
    program = Program(
        name="Apicurio",
        command=(java, *options, "-jar", str(installed(release) / release.jar)),
        folder=folder,
        log=folder / "apicurio.log",
    )
    kept = keep(program)
    url = f"http://{HOST}:{port}{API}"
    try:
        deadline = time.monotonic() + _READY_S
        while not _answers(url):
            kept.check()
            if time.monotonic() > deadline:
                message = f"Apicurio {release.version} does not answer after {_READY_S} s"
                raise Unreachable(message, fix=f"read {program.log}")
            time.sleep(0.1)
        yield Apicurio(url=url, pid=kept.pid)
    finally:
        kept.stop_now()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/subjects", timeout=_ASK_S).is_success
    except httpx.TransportError:
        return False
