"""One hub per instance: a lock that ends with its holder, and a file that says what is running where.

The keeper of a program holds the lock too. After a crash of the hub it is free only when the program
is gone, so the next start never meets a broker still writing into the same folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from hub.errors import AlreadyRunning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LEFTOVER_WAIT_S = 30
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What runs in an instance's folder: its address (secret where it holds a password) and processes."""

    address: str
    pid: int
    hub_pid: int
    detail: dict[str, int]
    starting: bool = False
    """It does not run yet: address and process are of the time before."""


class Claim:
    """The right to run one program in one folder."""

    def __init__(self, folder: Path, lock: int) -> None:
        """Only `claim` makes these; from now on others see that something is starting here."""
        self.folder = folder
        self.lock = lock
        self._before = _read(folder)
        before = self._before or State(address="", pid=0, hub_pid=0, detail={})
        self._write(replace(before, hub_pid=os.getpid(), starting=True))

    def remembered(self) -> State | None:
        """What ran here last, for ports worth using again."""
        return self._before if self._before is not None and self._before.address else None

    def announce(self, *, address: str, pid: int, detail: dict[str, int] | None = None) -> None:
        """Write down what runs here, readable for this user only."""
        self._write(State(address=address, pid=pid, hub_pid=os.getpid(), detail=detail or {}))

    def _write(self, state: State) -> None:
        fresh = self.folder / "state.json.new"
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
        fresh.replace(self.folder / "state.json")


@contextlib.contextmanager
def claim(folder: Path, what: str) -> Iterator[Claim]:
    """Hold a folder for one program.

    Raises:
        AlreadyRunning: Another hub has it; the message says where its program listens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # What is kept here is about people: nobody else on this machine has business with it.
    folder.chmod(0o700)
    deadline = time.monotonic() + _LEFTOVER_WAIT_S
    with (folder / "lock").open("a") as file:
        while not _try_lock(file.fileno()):
            state = _read(folder)
            if state is None or _lives(state.hub_pid) or time.monotonic() > deadline:
                raise _already(what, state)
            # Its hub was killed and its keeper is still stopping it; that ends soon.
            time.sleep(_POLL_S)
        yield Claim(folder, file.fileno())


def running_state(folder: Path) -> State | None:
    """What a hub is running in this folder now, or nothing; nothing also while it is starting."""
    state = _read(folder) if is_claimed(folder) else None
    return None if state is None or state.starting else state


def is_claimed(folder: Path) -> bool:
    """Tell whether a hub has this folder, or what it had started there is still being stopped."""
    try:
        with (folder / "lock").open("a") as file:
            return not _try_lock(file.fileno())
    except FileNotFoundError:
        return False


async def joined(folder: Path, *, wait_s: float) -> State | None:
    """What another hub runs in this folder, once it has come up; nothing where none does.

    Roles are often started side by side: whoever comes second waits for what the first one is starting.
    """
    deadline = time.monotonic() + wait_s
    while is_claimed(folder) and time.monotonic() < deadline:
        state = running_state(folder)
        if state is not None and _lives(state.hub_pid):
            return state
        await asyncio.sleep(_POLL_S)
    return None


def _already(what: str, state: State | None) -> AlreadyRunning:
    where = f" (process {state.hub_pid}, {what} process {state.pid})" if state else ""
    if state is not None and state.starting:
        where = f" (process {state.hub_pid} is starting it)"
    message = f"a hub is already running this instance's {what}{where}"
    return AlreadyRunning(
        message,
        fix="use it, name the roles that are to join it (`hub serve router`), stop it with Ctrl-C, or choose "
        "another one with HUB_INSTANCE=name",
    )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(folder: Path) -> State | None:
    try:
        return State(**json.loads((folder / "state.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
