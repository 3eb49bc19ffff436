"""The first start: says what it will fetch and how large, fetches it, and declares it complete.

Packages and jars come in parallel, one line each. Whatever interrupts it, typing the command again
mends it: nothing counts before its marker, and a lock keeps two first starts apart.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from hub.errors import HubError, Unreachable
from hub.installation import home, jars, packages, tools
from hub.installation.commands import Commands
from hub.installation.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FETCH_TIMEOUT_S = 1200
_REDRAW_S = 0.25
_EXIT_NOT_VALID = 4
_EXIT_UNREACHABLE = 5
_EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One thing to fetch: its lane, how it is announced, and what fetches it."""

    lane: str
    announced: str
    fetch: Callable[[Commands, Callable[[str, str], None]], None]


def build(*, dev: bool, jars: bool) -> None:
    """Build what is missing, telling about it; ends the process with a clear sentence if it can't."""
    try:
        prepare(dev=dev, wants_jars=jars)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Nothing half-built will be used; type the command again to go on.\n")
        raise SystemExit(_EXIT_INTERRUPTED) from None
    except HubError as error:
        _fail(error)
    except OSError as error:
        fix = f"check that {home.hub_home()} can be written to and has space, or set HUB_HOME"
        _fail(Unreachable(str(error), fix=fix))


def prepare(*, dev: bool, wants_jars: bool, wants_packages: bool = True) -> None:
    """Build what is missing, telling about it.

    Raises:
        NotConfigured: Something this machine must bring is missing, or a digest differs.
        Unreachable: Something could not be fetched.
    """
    started = time.monotonic()
    top = home.hub_home()
    with home.exclusive(top / "first-start.lock", _tell_waiting, FETCH_TIMEOUT_S) as lock:
        steps = [
            *(_packages_step(top, dev=dev) if wants_packages else []),
            *(_jars_step(top) if wants_jars else []),
        ]
        if steps:
            _announce(top, steps)
            _fetch(steps, Commands(logs=top / "logs", keep_open=lock, timeout_s=FETCH_TIMEOUT_S))
            sys.stdout.write(f"Ready after {time.monotonic() - started:.0f} s.\n\n")


def ensure_jars() -> Path:
    """The folder with the verified jars, fetched now if a first start left them out."""
    folder = home.jars_folder(home.hub_home())
    if not home.is_complete(folder):
        prepare(dev=False, wants_jars=True, wants_packages=False)
    return folder


# Both are asked under the lock: another start may just have fetched what was missing a moment ago.
def _packages_step(top: Path, *, dev: bool) -> list[_Step]:
    folder, lock = home.environment_folder(top, dev=dev), home.lock_file(dev=dev)
    if home.is_complete(folder) and (folder / "bin" / "python").exists():
        return []
    megabytes = packages.MEGABYTES_DEV if dev else packages.MEGABYTES
    announced = f"{packages.count(lock)} Python packages, about {megabytes} MB"
    return [
        _Step(
            lane=packages.LANE,
            announced=announced,
            fetch=lambda commands, at: packages.install(folder, lock, commands, at),
        )
    ]


def _jars_step(top: Path) -> list[_Step]:
    folder = home.jars_folder(top)
    if home.is_complete(folder):
        return []
    # Asked before anything is fetched, so that what is missing is told at once.
    tools.java()
    if jars.need_maven():
        tools.maven()
    announced = f"{len(jars.listed())} jars of the Kafka broker, about {jars.MEGABYTES} MB"
    return [
        _Step(
            lane=jars.LANE, announced=announced, fetch=lambda commands, at: jars.fetch(folder, commands, at)
        )
    ]


def _announce(top: Path, steps: list[_Step]) -> None:
    sys.stdout.write("First start. This fetches, verifies and keeps, outside the checkout:\n")
    for step in steps:
        sys.stdout.write(f"  - {step.announced}\n")
    sys.stdout.write(f"in {top} (set HUB_HOME for another folder).\n")
    sys.stdout.flush()


def _fetch(steps: list[_Step], commands: Commands) -> None:
    progress = Progress([step.lane for step in steps])

    def run(step: _Step) -> None:
        commands.log(packages.STEP if step.lane == packages.LANE else jars.STEP).write_text(
            "", encoding="utf-8"
        )
        step.fetch(commands, lambda stage, detail: progress.at(step.lane, stage, detail))
        progress.at(step.lane, "done", done=True)

    with ThreadPoolExecutor(len(steps)) as pool:
        running = [pool.submit(run, step) for step in steps]
        try:
            _follow(running, progress)
        except BaseException:
            commands.cancel()
            raise


def _follow(running: list[Future[None]], progress: Progress) -> None:
    """Redraw until all are done; the first failure ends it."""
    pending = set(running)
    while pending:
        done, pending = wait(pending, timeout=_REDRAW_S, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        progress.redraw()


def _tell_waiting() -> None:
    sys.stdout.write("Another first start is building the environment; waiting for it.\n")
    sys.stdout.flush()


def _fail(error: HubError) -> NoReturn:
    sys.stderr.write(f"\nThe hub could not be made ready: {error}\n  To mend it: {error.fix}\n")
    raise SystemExit(_EXIT_UNREACHABLE if isinstance(error, Unreachable) else _EXIT_NOT_VALID)
