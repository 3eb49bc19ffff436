"""The Node packages of the tests: installed once from their lock, kept between runs outside the checkout."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from hub.errors import NotConfigured, Unreachable
from hub.installation import home

HERE = Path(__file__).parent
_LISTS = ("package.json", "package-lock.json", ".npmrc")
_INSTALL_S = 300


def program(name: str) -> str:
    """The path of node or npm.

    Raises:
        NotConfigured: This machine does not have it.
    """
    found = shutil.which(name)
    if found is None:
        message = f"these tests need {name}, which this machine does not have"
        raise NotConfigured(message, fix="install Node 20 or newer with npm")
    return found


def installed() -> Path:
    """The folder with `node_modules` as the lock says, where a script finds them.

    Raises:
        NotConfigured: Node or npm is missing.
        Unreachable: npm could not fetch them.
    """
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _LISTS)).hexdigest()[:12]
    folder = home.hub_home() / "node" / digest
    with home.exclusive(folder.with_name(f"{digest}.lock"), lambda: None, _INSTALL_S):
        if not home.is_complete(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in _LISTS:
                shutil.copyfile(HERE / name, folder / name)
            done = subprocess.run(
                [program("npm"), "ci", "--ignore-scripts"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=_INSTALL_S,
                check=False,
            )
            if done.returncode != 0:
                message = f"npm could not install the packages: {done.stderr[-300:]}"
                raise Unreachable(message, fix="check the network and npm's own settings, then try again")
            home.mark_complete(folder)
    return folder
