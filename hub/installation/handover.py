"""The way from any Python to the hub's own environment: build what is missing, then hand over.

On a warm start this looks for one or two markers and replaces the process; that is all.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from hub.installation import home

if TYPE_CHECKING:
    from pathlib import Path

# Commands that never talk to a broker, so that they need no Java and no jars.
BROKERLESS = frozenset({"contracts", "policy", "python"})
DEV_COMMANDS = frozenset({"test", "python"})
HELP_FLAGS = frozenset({"--help", "-h", "--version"})
STARTED_AT = "HUB_STARTED_AT"
DOCKER_SOCKET = "/var/run/docker.sock"


def run(arguments: list[str]) -> None:
    """Be `hub` with these arguments, in the environment made for it."""
    if sys.platform == "win32":
        sys.exit("The hub runs on Linux and macOS; on Windows use WSL, or docker-compose.yml.")
    # For whoever says how long it took: from the command, not from when its environment was there.
    os.environ.setdefault(STARTED_AT, f"{time.time():.3f}")
    mode = os.environ.get("HUB_ENVIRONMENT", "")
    dev = mode == "dev" or (bool(arguments) and arguments[0] in DEV_COMMANDS)
    folder = home.environment_folder(home.hub_home(), dev=dev)
    if mode == "current" or os.path.realpath(sys.prefix) == os.path.realpath(folder):
        _command_line()
        return
    wants_jars = needs_jars(arguments)
    jars = home.jars_folder(home.hub_home())
    # Its interpreter is a link to the Python it was made with, which may have been removed since.
    usable = home.is_complete(folder) and (folder / "bin" / "python").exists()
    if not usable or (wants_jars and not home.is_complete(jars)):
        from hub.installation.first_start import build  # noqa: PLC0415 - heavy, and seldom needed

        build(dev=dev, jars=wants_jars)
    _exec(folder, arguments)


def needs_jars(arguments: list[str]) -> bool:
    """Whether this command may have to start the broker from its jars."""
    asks_help = not arguments or not HELP_FLAGS.isdisjoint(arguments)
    return not (
        asks_help
        or arguments[0] in BROKERLESS
        or os.environ.get("HUB_KAFKA")
        or os.path.exists(DOCKER_SOCKET)  # noqa: PTH110 - pathlib is not needed on the warm path
    )


def _exec(folder: Path, arguments: list[str]) -> NoReturn:
    python = str(folder / "bin" / "python")
    paths = [str(home.CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = arguments[1:] if arguments[:1] == ["python"] else ["-m", "hub", *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(python, [python, *command], environment)  # noqa: S606 - our own interpreter, no shell


def _command_line() -> None:
    from hub.cli import main  # noqa: PLC0415 - its packages exist in the environment only

    main()
