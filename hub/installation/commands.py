"""Running pip, uv and Maven: output into a log file, a time limit, and an end when another step fails."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

from hub.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_TERMINATE_S = 5
_LINE_LENGTH_MAX = 200


class Commands:
    """The programs of one first start, so that all can be ended together."""

    def __init__(self, *, logs: Path, keep_open: int, timeout_s: float) -> None:
        """Log into `logs`; the programs inherit the lock `keep_open`, which so outlives us if killed."""
        self._logs = logs
        self._keep_open = keep_open
        self._timeout_s = timeout_s
        self._running: set[subprocess.Popen[str]] = set()
        self._cancelled = threading.Event()
        logs.mkdir(parents=True, exist_ok=True)

    def log(self, step: str) -> Path:
        """The log file of a step."""
        return self._logs / f"first-start-{step}.log"

    def run(
        self,
        step: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> None:
        """Run to the end, each line of output to the log and to `on_line`.

        Raises:
            Unreachable: It failed, ran into the time limit, or another step failed first.
        """
        with self.log(step).open("a", encoding="utf-8") as log:
            process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=dict(environment),
                pass_fds=(self._keep_open,),
            )
            self._running.add(process)
            timer = threading.Timer(self._timeout_s, process.kill)
            timer.start()
            try:
                last = self._follow(process, log.write, on_line)
            finally:
                timer.cancel()
                self._running.discard(process)
        if process.returncode == 0 and not self._cancelled.is_set():
            return
        raise Unreachable(self._what_failed(step, process.returncode, last), fix=self._fix(step))

    def cancel(self) -> None:
        """End whatever runs, and let nothing that follows pass for a success."""
        self._cancelled.set()
        for process in list(self._running):
            process.terminate()
            try:
                process.wait(_TERMINATE_S)
            except subprocess.TimeoutExpired:
                process.kill()

    @staticmethod
    def _follow(
        process: subprocess.Popen[str], write: Callable[[str], object], on_line: Callable[[str], None]
    ) -> str:
        last = ""
        assert process.stdout is not None  # noqa: S101 - asked for a pipe above
        with process.stdout as lines:
            for line in lines:
                write(line)
                text = line.strip()
                if text:
                    on_line(text)
                    # A tool names the cause first and comments on it afterwards.
                    if not last.lower().lstrip("[").startswith("error"):
                        last = text
        process.wait()
        return last[:_LINE_LENGTH_MAX]

    def _what_failed(self, step: str, code: int, last: str) -> str:
        if self._cancelled.is_set():
            return f"the step '{step}' was stopped because another failed"
        if code < 0:
            return f"the step '{step}' did not end within {self._timeout_s:.0f} s, or was killed"
        return f"the step '{step}' failed (exit code {code}): {last}"

    def _fix(self, step: str) -> str:
        return (
            f"read {self.log(step)}; check the network and the proxy or mirror settings; "
            "then type the command again"
        )
