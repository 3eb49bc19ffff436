"""The environment of mesh-client and mesh-sandbox: made once from its lock, kept outside the checkout."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.installation import home

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
LOCK = HERE / "requirements.lock"
MAILBOX, OTHER, PASSWORD, SHARED_KEY = "X26ABC1", "X26ABC2", "password", "TestKey"
"""The sandbox's own mailboxes."""
_INSTALL_S, _SCRIPT_S, _START_S = 300, 60, 30


def python() -> str:
    """The interpreter of the environment, which is made if it is not there."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = home.hub_home() / "mesh" / f"{sys.implementation.cache_tag}-{digest}"
    interpreter = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with home.exclusive(folder.with_name(f"{folder.name}.lock"), lambda: None, _INSTALL_S):
        if not home.is_complete(folder):
            uv = Path(sys.executable).with_name("uv")
            for command in (
                [uv, "venv", "--clear", "--quiet", "--python", sys.executable, folder],
                [uv, "pip", "install", "--quiet", "--python", interpreter, "--require-hashes", "-r", LOCK],
            ):
                subprocess.run([str(each) for each in command], check=True, timeout=_INSTALL_S)
            home.mark_complete(folder)
    return str(interpreter)


def speak(arguments: Sequence[str]) -> dict[str, Any]:
    """Run the script against a server; returns what it was answered."""
    done = subprocess.run(
        [python(), "-W", "ignore", str(HERE / "script.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=_SCRIPT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def sandbox() -> Iterator[str]:
    """A running mesh-sandbox that checks tokens and starts with empty mailboxes; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [python(), "-m", "uvicorn", "mesh_sandbox.api:app", "--port", str(port), "--log-level", "error"]
    told = {**os.environ, "AUTH_MODE": "full", "STORE_MODE": "memory", "SHARED_KEY": SHARED_KEY}
    running = subprocess.Popen(command, env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(f"{url}/messageexchange/_ping")
        yield url
    finally:
        running.terminate()
        running.wait(_START_S)


def _wait(address: str) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - loopback
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
