"""Keeps one program alive exactly as long as the hub that wanted it.

Runs in a session of its own, so that Ctrl-C in a terminal doesn't reach the program before the hub has
finished with it. Its standard input is a pipe from the hub: when the hub ends, however that happens,
the pipe closes, and the program is asked to stop and then made to. Standard library only, run as a
script by `hub.adapters.processes.kept`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_CLEAN_EXITS = (0, -signal.SIGTERM, 128 + signal.SIGTERM)
_KILL_WAIT_S = 5


def main(order: dict[str, Any]) -> int:
    """Start the program, tell its process id, stay until it or the hub ends; the program's exit code."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _as_end_of_hub)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    account = (
        {"user": order["uid"], "group": order["gid"], "extra_groups": []} if order["uid"] is not None else {}
    )
    program = subprocess.Popen(  # noqa: S603 - the hub's own order, no shell
        order["command"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=order["folder"],
        start_new_session=True,
        preexec_fn=_end_with_keeper,  # noqa: PLW1509 - no other thread exists yet
        **account,
    )
    sys.stdout.write(f"{program.pid}\n")
    sys.stdout.flush()
    ended = threading.Thread(target=_leave_with, args=(program, order), daemon=True)
    ended.start()
    with contextlib.suppress(InterruptedError):
        # The hub never writes: this returns when its end of the pipe is closed.
        os.read(sys.stdin.fileno(), 1)
    _stop(program, order["stop_signal"], order["grace_s"])
    ended.join(_KILL_WAIT_S)
    return 0


def _end_with_keeper() -> None:
    """Where the system can, tie the program to this keeper too, in case that is what gets killed."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _as_end_of_hub(*_: object) -> None:
    raise InterruptedError


def _leave_with(program: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    """When the program has ended, so does the keeper."""
    code = program.wait()
    source, target = order["keep_if_clean"]
    if source and code in _CLEAN_EXITS and Path(source).exists():
        Path(source).replace(target)
    os._exit(code if code >= 0 else 128 - code)


def _stop(program: subprocess.Popen[bytes], stop_signal: int, grace_s: float) -> None:
    program.send_signal(stop_signal)
    try:
        program.wait(grace_s)
    except subprocess.TimeoutExpired:
        # The whole group: what the program itself started must not stay behind either.
        os.killpg(program.pid, signal.SIGKILL)
        program.wait(_KILL_WAIT_S)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
