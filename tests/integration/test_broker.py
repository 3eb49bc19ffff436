"""The embedded Kafka and PostgreSQL: they come up, keep their data, and never outlive the hub."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from hub.adapters import broker
from hub.adapters.broker import process
from hub.adapters.database import server
from hub.errors import AlreadyRunning, NotConfigured, Unreachable
from hub.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.settings import Settings

CHECKOUT = Path(__file__).parents[2]
GONE_WITHIN_S = 15
# Started as a process of its own: it holds both up and says where, until it is ended.
HOLDER = """
import asyncio, signal, sys
from hub.adapters import broker
from hub.adapters.database import server
from hub.settings import load

async def hold():
    settings = load(instance=sys.argv[1])
    async with broker.find_or_start(settings) as kafka, server.find_or_start(settings) as database:
        print(kafka.address, kafka.pid, database.pid, flush=True)
        await asyncio.sleep(120)

# Whoever starts the tests in the background may have had the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    asyncio.run(hold())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def holder(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Another hub process with both up, and the process ids of what it holds."""
    hub = subprocess.Popen(
        [sys.executable, "-c", HOLDER, settings.instance],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        start_new_session=True,
    )
    assert hub.stdout is not None
    _, *pids = hub.stdout.readline().split()
    yield hub, [int(pid) for pid in pids]
    hub.kill()
    hub.wait()
    hub.stdout.close()


def _all_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + GONE_WITHIN_S
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_a_hub_when_it_ends(
    holder: tuple[subprocess.Popen[str], list[int]], ending: signal.Signals
) -> None:
    hub, pids = holder
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    hub.send_signal(ending)
    hub.wait(GONE_WITHIN_S)
    assert _all_gone(pids)


def test_programs_end_when_their_keepers_are_killed(
    holder: tuple[subprocess.Popen[str], list[int]],
) -> None:
    _, pids = holder
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        keeper = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
        os.kill(keeper, signal.SIGKILL)
    assert _all_gone(pids)


async def test_a_second_start_says_one_is_running(
    settings: Settings, holder: tuple[subprocess.Popen[str], list[int]]
) -> None:
    hub, pids = holder
    with pytest.raises(AlreadyRunning, match=rf"process {hub.pid}.*process {pids[0]}"):
        async with broker.find_or_start(settings):
            pass
    with pytest.raises(AlreadyRunning, match="database"):
        async with server.find_or_start(settings):
            pass


async def test_another_command_attaches_to_the_one_running(
    settings: Settings, holder: tuple[subprocess.Popen[str], list[int]]
) -> None:
    del holder
    async with (
        broker.find_or_start(settings, attach=True) as kafka,
        server.find_or_start(settings, attach=True) as database,
    ):
        assert (kafka.origin, database.origin) == ("running", "running")
        assert server._connects(database.dsn)


async def test_a_start_waits_for_what_a_killed_hub_left(
    settings: Settings, holder: tuple[subprocess.Popen[str], list[int]]
) -> None:
    hub, pids = holder
    hub.kill()
    hub.wait()
    async with broker.find_or_start(settings) as kafka:
        assert kafka.origin == "process"
        assert not Path(f"/proc/{pids[0]}").exists()


async def test_erasing_begins_again_and_is_refused_while_it_runs(settings: Settings) -> None:
    async with broker.find_or_start(settings) as kafka, server.find_or_start(settings):
        await _write(kafka.address, "kept", b"still here")
        with pytest.raises(AlreadyRunning):
            broker.erase(settings)
        with pytest.raises(AlreadyRunning):
            server.erase(settings)
    broker.erase(settings)
    server.erase(settings)
    async with broker.find_or_start(settings) as kafka:
        await _write(kafka.address, "kept", b"new")
        assert await _read_first(kafka.address, "kept") == b"new"


async def test_records_and_address_survive_a_restart(settings: Settings) -> None:
    async with broker.find_or_start(settings) as kafka:
        first = kafka.address
        await _write(first, "kept", b"still here")
    async with broker.find_or_start(settings) as kafka:
        assert kafka.address == first
        assert await _read_first(first, "kept") == b"still here"


async def test_records_survive_when_the_ports_are_taken(settings: Settings) -> None:
    async with broker.find_or_start(settings) as kafka:
        first = kafka.address
        await _write(first, "kept", b"still here")
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", int(first.rsplit(":", 1)[1])))
        squatter.listen()
        async with broker.find_or_start(settings) as kafka:
            assert kafka.address != first
            assert await _read_first(kafka.address, "kept") == b"still here"


async def test_the_broker_listens_on_loopback_only_and_says_so(settings: Settings) -> None:
    async with broker.find_or_start(settings, ephemeral=True) as kafka:
        assert kafka.address.startswith("127.0.0.1:")
        assert "this machine only" in kafka.notice
        assert kafka.pid is not None
        listening = _listening(kafka.pid)
        assert listening
        assert set(listening) == {"127.0.0.1"}


async def test_a_given_kafka_is_used_and_left_alone(kafka: str) -> None:
    async with broker.find_or_start(load(kafka=kafka)) as found:
        assert (found.address, found.origin, found.notice) == (kafka, "given", "")


async def test_a_given_kafka_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_ANSWER_TIMEOUT_S", 0.2)
    (port,) = process.free_ports(1)
    with pytest.raises(Unreachable, match="no Kafka answers"):
        async with broker.find_or_start(load(kafka=f"127.0.0.1:{port}")):
            pass


async def test_a_broker_that_ends_at_once_is_told_from_its_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = process.server_properties
    monkeypatch.setattr(process, "server_properties", lambda *a: {**real(*a), "node.id": "not-a-number"})
    process_folder = settings.instance_folder / "broker"
    with pytest.raises(Unreachable, match="ended by itself") as failure:
        async with broker.find_or_start(settings):
            pass
    assert str(process_folder) in failure.value.fix


async def test_a_missing_java_is_named_with_its_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(NotConfigured, match="Java 17 or newer") as failure:
        async with broker.find_or_start(settings, ephemeral=True):
            pass
    assert "HUB_KAFKA" in failure.value.fix


def _listening(pid: int) -> list[str]:
    """Addresses of the listening sockets of a process, IPv4 and IPv6, from the kernel."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                # The last four bytes, little-endian, are the IPv4 address even where it is mapped into IPv6.
                tail = bytes.fromhex(fields[1].split(":")[0][-8:])[::-1]
                found.append(".".join(map(str, tail)))
    return found


async def _write(address: str, topic: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, transactional_id="t")
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(topic, value)
    await producer.stop()


async def _read_first(address: str, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(bootstrap_servers=address, isolation_level="read_committed")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        record = await consumer.getone()
        assert isinstance(record.value, bytes)
        return record.value
    finally:
        await consumer.stop()
