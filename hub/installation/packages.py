"""The Python packages: a virtual environment filled from our pinned and hashed list.

uv comes first, itself pinned and hashed in that list, because it fills the environment in seconds
where pip takes a minute; where uv can't run, pip does it all. Debian's Python may come without
`ensurepip`: then another pip on this machine installs into the environment.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import NotConfigured, Unreachable
from hub.installation import home

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.installation.commands import Commands

LANE = "Python packages"
STEP = "packages"
# What is fetched, for users and for developers.
MEGABYTES = 70
MEGABYTES_DEV = 100
_ASK_TIMEOUT_S = 30
# What pip is told about registries, and uv's names for the same.
_PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


def count(lock: Path) -> int:
    """How many packages a lock names."""
    return len(re.findall(r"^\S+==", lock.read_text(encoding="utf-8"), re.MULTILINE))


def install(folder: Path, lock: Path, commands: Commands, at: Callable[[str, str], None]) -> None:
    """Build the environment in `folder` from `lock`.

    It is built in place, because an environment can't be moved; until its marker is written it does
    not count, and the next start begins afresh.

    Raises:
        NotConfigured: This Python has no way to install packages.
        Unreachable: The packages could not be fetched.
    """
    shutil.rmtree(folder, ignore_errors=True)
    at("creating the environment", "")
    venv.create(folder, with_pip=False, symlinks=True)
    python = str(folder / "bin" / "python")
    pip, environment = _pip(python)
    first = folder / "first.txt"
    first.write_text(_only(lock, "uv"), encoding="utf-8")

    def show(line: str) -> None:
        stage = re.match(r"(Resolved|Downloading|Prepared|Installed|Collecting|Using cached)\b.*", line)
        if stage:
            at("installing", line.split(" (from", maxsplit=1)[0][:60])

    at("fetching the installer", "")
    quick = [*pip, "install", "--no-deps", "--require-hashes", "-r", str(first)]
    slow = [*pip, "install", "--require-hashes", "-r", str(lock)]
    uv = [
        str(folder / "bin" / "uv"),
        "pip",
        "install",
        "--python",
        python,
        "--require-hashes",
        "-r",
        str(lock),
    ]
    commands.run(STEP, quick, environment=environment, on_line=show)
    at("installing", "")
    try:
        commands.run(STEP, uv, environment=_for_uv(pip, environment), on_line=show)
    except (Unreachable, OSError):
        at("installing with pip, uv did not succeed", "")
        commands.run(STEP, slow, environment=environment, on_line=show)
    home.mark_complete(folder)


def _only(lock: Path, name: str) -> str:
    """The lines of one package of the lock, with its hashes."""
    found = re.search(rf"^{name}==(?:.*\\\n)*.*", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        message = f"{lock.name} names no {name}"
        raise NotConfigured(message, fix="make the lock anew, see CONTRIBUTING.md")
    return found[0] + "\n"


def _pip(python: str) -> tuple[list[str], dict[str, str]]:
    """A pip that installs into the environment of `python`, and the process environment it needs."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    environment.pop("PYTHONPATH", None)
    bundled = _bundled_pip()
    if bundled is not None:
        # Run from its wheel: unpacking pip into the environment would take longer than using it.
        return [python, "-m", "pip"], {**environment, "PYTHONPATH": str(bundled)}
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--python", python], environment
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    message = f"this Python ({sys.executable}) has neither ensurepip nor pip, so nothing can be installed"
    raise NotConfigured(
        message, fix=f"Debian and Ubuntu: apt install python{version}-venv; then type the command again"
    )


def _bundled_pip() -> Path | None:
    """The pip wheel that comes with Python; Debian keeps it in a package of its own."""
    spec = importlib.util.find_spec("ensurepip")
    if spec is None or spec.origin is None:
        return None
    folders = [Path(spec.origin).parent / "_bundled", Path("/usr/share/python-wheels")]
    wheels = [wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))]
    return wheels[-1] if wheels else None


def _for_uv(pip: list[str], environment: dict[str, str]) -> dict[str, str]:
    """The process environment for uv, told of the registries and certificates pip is set up with."""
    asked = subprocess.run(  # noqa: S603 - our own interpreter, no shell
        [*pip, "config", "list"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=_ASK_TIMEOUT_S,
        check=False,
    )
    told = {**environment, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    for key, value in re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", asked.stdout, re.MULTILINE):
        if key in _PIP_TO_UV:
            told.setdefault(_PIP_TO_UV[key], " ".join(value.split()))
    return told
