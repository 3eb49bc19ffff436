"""Kafka in a container, where a Docker engine answers on this machine.

The pinned official image in KRaft mode, through testcontainers, whose reaper removes the container
should the hub be killed. The port is published on loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

from hub.adapters.broker import probe
from hub.adapters.broker.process import free_ports
from hub.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from testcontainers.core.container import DockerContainer

    from hub.adapters.processes import Claim
    from hub.settings import Settings

IMAGE = "apache/kafka:4.3.1"
_INSIDE, _CONTROLLER = 9092, 9093
_UNIX = "unix://"
_SOCKET = "/var/run/docker.sock"


def engine_answers(settings: Settings) -> bool:
    """Whether a Docker engine on this machine answers a ping, quickly.

    An engine on another machine doesn't count: its ports would not be on our loopback.
    """
    host = os.environ.get("DOCKER_HOST", _UNIX + _SOCKET)
    if not host.startswith(_UNIX):
        return False
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(settings.docker_answer_timeout_s)
            connection.connect(host.removeprefix(_UNIX))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def environment(port: int, settings: Settings) -> dict[str, str]:
    """The image's settings: one node, both roles, reached from this machine under the published port."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{_INSIDE},CONTROLLER://127.0.0.1:{_CONTROLLER}",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@127.0.0.1:{_CONTROLLER}",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_HEAP_OPTS": f"-Xmx{settings.broker_heap_mb}m",
    }


@contextlib.asynccontextmanager
async def started(settings: Settings, held: Claim) -> AsyncIterator[str]:
    """A broker in a container; its address.

    Raises:
        Unreachable: The engine would not run it, or it does not answer in time.
    """
    (port,) = free_ports(1)
    container = await asyncio.to_thread(_run, port, settings)
    try:
        address = f"127.0.0.1:{port}"
        if not await probe.wait_until_answers(address, settings.broker_start_timeout_s):
            message = f"Kafka in its container did not answer within {settings.broker_start_timeout_s:.0f} s"
            raise Unreachable(message, fix="try HUB_BROKER=process, which needs no Docker")
        await probe.warm_up(address)
        held.announce(address=address, pid=os.getpid(), detail={"port": port})
        yield address
    finally:
        await asyncio.to_thread(container.stop)


def _run(port: int, settings: Settings) -> DockerContainer:
    # Imported here: Docker's client is slow to import, and most starts have no engine.
    from docker.errors import DockerException  # noqa: PLC0415
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    container = DockerContainer(IMAGE)
    # Docker's own client takes an address with the port; `with_bind_ports` would publish on every address.
    container.ports[f"{_INSIDE}/tcp"] = ("127.0.0.1", port)  # type: ignore[assignment]
    for name, value in environment(port, settings).items():
        container.with_env(name, value)
    try:
        return container.start()
    except DockerException as error:
        message = f"the Docker engine did not start {IMAGE}: {type(error).__name__}"
        raise Unreachable(message, fix="try HUB_BROKER=process, which needs no Docker") from error
