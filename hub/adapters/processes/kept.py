"""The hub's side of the keeper: start a program, watch it, stop it in good time."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hub.errors import Unreachable

_KEEPER = Path(__file__).with_name("keeper.py")
_START_TIMEOUT_S = 20
_LOG_LINES = 5
_LOG_BYTES_MAX = 10_000_000
_KEEPER_SLACK_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run and how to end it.

    `account` is the user and group id to run as, where that is not the hub's own. `keep_if_clean`
    names a file the program writes as it ends and its final name, given only after a clean end.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 20
    account: tuple[int, int] | None = None
    keep_if_clean: tuple[Path, Path] | None = None


class Kept:
    """A running program that ends with the hub."""

    def __init__(self, program: Program, keeper: subprocess.Popen[str], pid: int) -> None:
        """Only `keep` makes these."""
        self.program = program
        self.pid = pid
        self._keeper = keeper

    def check(self) -> None:
        """Raise if the program has ended by itself.

        Raises:
            Unreachable: It has; the message holds the last lines of its log.
        """
        code = self._keeper.poll()
        if code is not None:
            message = (
                f"{self.program.name} ended by itself (exit code {code}): {last_lines(self.program.log)}"
            )
            raise Unreachable(message, fix=f"read {self.program.log}")

    async def stop(self) -> float:
        """Ask the program to stop, make it if it does not; the seconds that took."""
        return await asyncio.to_thread(self.stop_now)

    def stop_now(self) -> float:
        """`stop` for callers without an event loop."""
        started = time.monotonic()
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        try:
            self._keeper.wait(self.program.grace_s + _KEEPER_SLACK_S)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait(_KEEPER_SLACK_S)
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()
        return time.monotonic() - started


def keep(program: Program, *, lock: int | None = None) -> Kept:
    """Start a program under a keeper.

    Args:
        program: What to run.
        lock: A lock's descriptor the keeper holds too, so that it stays held until the program is gone.

    Raises:
        Unreachable: It could not be started.
    """
    _set_aside(program.log)
    uid, gid = program.account or (None, None)
    order = {
        "command": program.command,
        "folder": str(program.folder),
        "log": str(program.log),
        "stop_signal": int(program.stop_signal),
        "grace_s": program.grace_s,
        "uid": uid,
        "gid": gid,
        "keep_if_clean": [str(path) for path in program.keep_if_clean or ("", "")],
    }
    keeper = subprocess.Popen(  # noqa: S603 - our own script and interpreter, no shell
        [sys.executable, "-I", "-S", str(_KEEPER), json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        pass_fds=() if lock is None else (lock,),
    )
    # An empty line means the keeper itself failed; its own complaint is on our standard error.
    told = keeper.stdout.readline().strip() if keeper.stdout is not None else ""
    if not told:
        keeper.wait(_START_TIMEOUT_S)
        message = f"{program.name} could not be started: {program.command[0]}"
        raise Unreachable(message, fix=f"read {program.log}")
    return Kept(program, keeper, int(told))


def _set_aside(log: Path) -> None:
    """Begin a new log when the old one has grown large; one old log is kept."""
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_name(f"{log.name}.old"))


def last_lines(log: Path) -> str:
    """The end of a log, on one line, for an error message."""
    if not log.exists():
        return "no log was written"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return " | ".join(line.strip() for line in lines[-_LOG_LINES:])
