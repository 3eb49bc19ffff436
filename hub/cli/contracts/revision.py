"""A folder of schemas or contracts as it was at a git revision, to hold a change against."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import NotConfigured, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT_S = 60
_BYTES_MAX = 64 * 1024 * 1024


@contextlib.contextmanager
def folder_at(revision: str, folder: Path) -> Iterator[Path]:
    """Give a folder as it stands at a git revision, for as long as the block lasts.

    Raises:
        NotConfigured: There is no git, no such revision, or no such folder in it.
        Unreachable: Git did not end in time.
    """
    root, within, commit = _place(revision, folder)
    packed = _git(root, "archive", "--format=tar", commit, "--", within)
    with tempfile.TemporaryDirectory(prefix="partner-hub-") as there:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(there, filter="data")
        yield Path(there) / within


def is_at(revision: str, folder: Path) -> bool:
    """Tell whether a folder was there at a git revision; raises what `folder_at` does."""
    root, within, commit = _place(revision, folder)
    return bool(_git(root, "ls-tree", commit, "--", within).strip())


def _place(revision: str, folder: Path) -> tuple[Path, str, str]:
    """Return the checkout a folder is in, its path in there and the commit a revision stands for."""
    root = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    within = folder.resolve().relative_to(root.resolve()).as_posix()
    # `--` and the full form keep a revision from being taken for an option.
    commit = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    return root, within, commit.decode().strip()


def _git(folder: Path, *arguments: str) -> bytes:
    """Return what git prints."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the revision is checked by git itself
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the git on the user's path is meant
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except FileNotFoundError as fault:
        message = "git is not installed, and a revision is read with it"
        raise NotConfigured(message, fix="install git, or do without the revision") from fault
    except subprocess.TimeoutExpired as fault:
        message = f"git did not answer within {_TIMEOUT_S} s"
        raise Unreachable(message, fix="try again") from fault
    if done.returncode or len(done.stdout) > _BYTES_MAX:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"git does not give that revision: {said[-1] if said else 'too large'}"
        raise NotConfigured(message, fix="name a branch, tag or commit of this checkout, e.g. origin/main")
    return done.stdout
