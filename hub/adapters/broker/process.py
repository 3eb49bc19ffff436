"""The real Kafka broker as a process of this machine, from its published jars, in KRaft mode.

One node on loopback. Its class archive (AppCDS) is written once, as the first broker ends, and
halves every later start.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hub.adapters.broker import probe
from hub.adapters.processes import Claim, Kept, Program, keep
from hub.errors import Unreachable
from hub.installation import tools
from hub.installation.first_start import ensure_jars

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.settings import Settings

HOST = "127.0.0.1"
_PORT_ATTEMPTS = 3
_FORMAT_TIMEOUT_S = 60
_BOOTSTRAP = "bootstrap.checkpoint"
_LOGGING = Path(__file__).with_name("log4j2.properties")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A broker process that answers."""

    address: str
    log: Path
    pid: int


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def server_properties(data: Path, port: int, controller_port: int) -> dict[str, str]:
    """The broker's settings; those that differ from Kafka's defaults, each for its reason."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        # Voters by configuration, not in the log: the ports may differ at the next start.
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "log.dirs": str(data),
        # One node: nothing to replicate to.
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Few files and quick creation; the numbers can't change once the topics exist.
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.num.partitions": "8",
        # Topics come from the catalogue, never from a typing mistake.
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # Nothing of the hub keeps a transaction open longer; abandoned ones are aborted within a second.
        "transaction.max.timeout.ms": "60000",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        # Sized for one machine that also runs the hub.
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }


@contextlib.asynccontextmanager
async def started(settings: Settings, held: Claim) -> AsyncIterator[Started]:
    """A broker process for as long as the block lasts.

    Raises:
        NotConfigured: Java is missing or too old.
        Unreachable: It ended by itself or does not answer in time.
    """
    jars = ensure_jars()
    java = tools.java()
    launch = _Launch(java=java, jars=jars, settings=settings, held=held)
    launch.format()
    kept, port = await _start(launch)
    address = f"{HOST}:{port}"
    try:
        await probe.warm_up(address)
        held.announce(address=address, pid=kept.pid, detail=launch.ports)
        yield Started(address=address, log=kept.program.log, pid=kept.pid)
    finally:
        await kept.stop()


async def _start(launch: _Launch) -> tuple[Kept, int]:
    """Start it on free ports; again on others if one was taken in the meantime."""
    limit = launch.settings.broker_start_timeout_s
    for attempt in range(_PORT_ATTEMPTS):
        kept = keep(launch.program(again=attempt > 0), lock=launch.held.lock)
        port = launch.ports["port"]
        try:
            if await probe.wait_until_answers(f"{HOST}:{port}", limit, kept.check):
                return kept, port
        except Unreachable as error:
            await kept.stop()
            if "Address already in use" not in str(error) or attempt == _PORT_ATTEMPTS - 1:
                raise
            continue
        except BaseException:
            await kept.stop()
            raise
        await kept.stop()
        message = f"Kafka did not answer on {HOST}:{port} within {limit:.0f} s"
        raise Unreachable(
            message, fix=f"read {kept.program.log}; on a busy machine raise HUB_BROKER_START_TIMEOUT_S"
        )
    message = "no free port was found for Kafka"
    raise Unreachable(message, fix="close programs that listen on many ports, then try again")


class _Launch:
    """Everything about one start: folders, ports, command line."""

    def __init__(self, *, java: str, jars: Path, settings: Settings, held: Claim) -> None:
        self.settings = settings
        self.held = held
        self.ports: dict[str, int] = {}
        self._java = java
        self._jars = jars
        self._data = held.folder / "data"
        self._properties = held.folder / "server.properties"
        self._archive = jars / f"classes-{tools.java_version(java)}.jsa"

    def format(self) -> None:
        """Give a new data folder its identity.

        The tool's output is the same for every folder but for the two ids, so it runs once per set of
        jars; starting Java again for it would take longer than the broker's own start.
        """
        if (self._data / "meta.properties").exists():
            return
        shutil.rmtree(self._data, ignore_errors=True)
        template = self._jars / _BOOTSTRAP
        if not template.exists():
            self._run_format_tool(template)
        self._data.mkdir(parents=True)
        shutil.copyfile(template, self._data / _BOOTSTRAP)
        identity = f"version=1\nnode.id=1\ncluster.id={_kafka_id()}\ndirectory.id={_kafka_id()}\n"
        fresh = self._data / "meta.properties.new"
        fresh.write_text(identity, encoding="utf-8")
        fresh.rename(self._data / "meta.properties")

    def program(self, *, again: bool) -> Program:
        """The broker's command line, on the ports used last time where they are free."""
        port, controller = self._choose_ports(again=again)
        self.ports = {"port": port, "controller_port": controller}
        self._write_properties(self._data, port, controller)
        options, keep_if_clean = self._class_archive()
        # The server profile of the compiler pays off after minutes of load, the quick one at once.
        quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"] if self.settings.broker_quick_start else []
        heap = self.settings.broker_heap_mb
        return Program(
            name="Kafka",
            command=(
                *(self._java, f"-Xmx{heap}m", f"-Xms{heap // 2}m", *quick, *options, *self._class_path()),
                *("kafka.Kafka", str(self._properties)),
            ),
            folder=self.held.folder,
            log=self.held.folder / "kafka.log",
            grace_s=self.settings.broker_stop_timeout_s,
            keep_if_clean=keep_if_clean,
        )

    def _choose_ports(self, *, again: bool) -> tuple[int, int]:
        last = self.held.remembered()
        if last is not None and not again:
            port, controller = last.detail.get("port", 0), last.detail.get("controller_port", 0)
            if _is_free(port) and _is_free(controller):
                return port, controller
        port, controller = free_ports(2)
        return port, controller

    def _class_archive(self) -> tuple[list[str], tuple[Path, Path] | None]:
        if self._archive.exists():
            return ["-Xshare:auto", f"-XX:SharedArchiveFile={self._archive}", "-Xlog:cds*=off"], None
        if not self.settings.broker_quick_start:
            return [], None
        # Under another name until the broker has ended well, so that no half-written one is ever used.
        writing = self._archive.with_suffix(f".{os.getpid()}")
        return [f"-XX:ArchiveClassesAtExit={writing}", "-Xlog:cds*=off"], (writing, self._archive)

    def _class_path(self) -> list[str]:
        # Named one by one: a class archive is only good for the same path in the same order.
        path = os.pathsep.join(str(jar) for jar in sorted(self._jars.glob("*.jar")))
        return [f"-Dlog4j2.configurationFile={_LOGGING}", "-cp", path]

    def _write_properties(self, data: Path, port: int, controller: int) -> None:
        lines = [f"{name}={value}\n" for name, value in server_properties(data, port, controller).items()]
        self._properties.write_text("".join(lines), encoding="utf-8")

    def _run_format_tool(self, template: Path) -> None:
        scratch = self.held.folder / "format"
        self._write_properties(scratch, *free_ports(2))
        command = [self._java, "-XX:TieredStopAtLevel=1", "-Xshare:auto", *self._class_path()]
        command += ["kafka.tools.StorageTool", "format", "-t", _kafka_id(), "-c", str(self._properties)]
        done = subprocess.run(  # noqa: S603 - Java found on this machine, no shell
            command, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False
        )
        if done.returncode != 0:
            message = f"Kafka's storage could not be formatted: {done.stderr.strip()[-300:]}"
            raise Unreachable(message, fix=f"check that {self.held.folder} can be written to and has space")
        fresh = template.with_suffix(f".{os.getpid()}")
        shutil.copyfile(scratch / _BOOTSTRAP, fresh)
        fresh.replace(template)
        shutil.rmtree(scratch)


def _is_free(port: int) -> bool:
    if port == 0:
        return False
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def _kafka_id() -> str:
    """A new id in the form Kafka gives its own."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
