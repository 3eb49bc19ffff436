"""Where the hub keeps things: environments, broker jars, instances and logs, all under one folder.

The folder of an environment or a set of jars carries a digest of its lock in its name, so an upgrade
never mixes with what was there and two checkouts of the same version share.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = Path(__file__).resolve().parent.parent
CHECKOUT = PACKAGE.parent
JAR_LIST = PACKAGE / "adapters" / "broker" / "jars.sha256"
COMPLETE = "complete"
_POLL_S = 0.2


def hub_home() -> Path:
    """The folder for everything the hub keeps: `HUB_HOME`, else in the user's cache folder."""
    given = os.environ.get("HUB_HOME")
    if given:
        return Path(given).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "partner-hub"


def lock_file(*, dev: bool) -> Path:
    """The pinned and hashed list of packages; developers' and testers' holds that of users."""
    return PACKAGE / ("requirements-dev.lock" if dev else "requirements.lock")


def environment_folder(home: Path, *, dev: bool) -> Path:
    """The virtual environment for this lock and this Python."""
    version = f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"
    return home / "environments" / f"{version}-{_digest(lock_file(dev=dev))}"


def jars_folder(home: Path) -> Path:
    """The broker's jars, named by the list they were verified against."""
    return home / "jars" / _digest(JAR_LIST)


def is_complete(folder: Path) -> bool:
    """Whether the folder was finished: its marker is written last."""
    return (folder / COMPLETE).exists()


def mark_complete(folder: Path) -> None:
    """Declare a folder finished; from here on nothing checks it again."""
    (folder / COMPLETE).write_text("built by python3 -m hub\n", encoding="utf-8")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


@contextlib.contextmanager
def exclusive(file: Path, on_wait: Callable[[], None], wait_s: float) -> Iterator[int]:
    """Hold a lock that ends with its holder, however that dies; yields its file descriptor.

    The descriptor is handed to the tools a first start runs, so that a first start that follows a
    killed one waits until the tools left behind have finished writing.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    told = False
    with file.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as busy:
                if not told:
                    on_wait()
                    told = True
                if time.monotonic() > deadline:
                    message = f"another first start has held {file} for {wait_s:.0f} s"
                    raise Unreachable(message, fix="end the other one, then try again") from busy
                time.sleep(_POLL_S)
            else:
                break
        yield handle.fileno()
