"""The key store: one file per key in the hub's home folder, readable by its owner only.

Content about a person is sealed under that person's key, so erasing one file makes the content
unreadable in the log, in the changelogs and in the database alike (R-AUD-04).
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from pathlib import Path

from hub.errors import NotConfigured, NotReadable

KEY_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def case_key(case: str) -> str:
    """Name the key that seals everything about the person of a case."""
    return f"case-{case}"


def organisation_key(organisation: str) -> str:
    """Name the key that seals what an organisation sent and the hub set aside."""
    return f"organisation-{organisation}"


class FileKeyStore:
    """Keys as files, safe to share between processes: whoever creates a key first has created it.

    An erased key leaves an empty file behind, so that no process quietly makes a new key under the
    old name and takes erased content for merely damaged. Other processes keep a key in memory for
    at most `memory_s_max` seconds.
    """

    def __init__(self, folder: Path, *, memory_s_max: float = 5.0) -> None:
        """Use this folder; it is made, closed to others, if it is missing."""
        self._folder = folder
        self._memory_s_max = memory_s_max
        self._known: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)

    def get(self, key_id: str) -> bytes | None:
        """Return the key, or None if there never was one.

        Raises:
            NotReadable: The key has been erased (code KEY-ERASED).
        """
        held = self._known.get(key_id)
        if held is not None and time.monotonic() < held[1]:
            return held[0]
        try:
            key = self._path(key_id).read_bytes()
        except FileNotFoundError:
            self._known.pop(key_id, None)
            return None
        if not key:
            self._known.pop(key_id, None)
            code = "KEY-ERASED"
            raise NotReadable(code, "the key of this content has been erased")
        if len(key) != KEY_BYTES:
            message = f"the key file {key_id} is damaged"
            raise NotConfigured(message, fix="restore the key folder from its backup")
        self._known[key_id] = (key, time.monotonic() + self._memory_s_max)
        return key

    def get_or_create(self, key_id: str) -> bytes:
        """Return the key, making it if it is new."""
        while (key := self.get(key_id)) is None:
            self._create(key_id)
        return key

    def erase(self, key_id: str) -> None:
        """Destroy a key; what is sealed under it can never be read again."""
        with self._lock:
            self._known.pop(key_id, None)
            spare = self._write_spare(key_id, b"")
            try:
                self._overwrite(key_id)
                spare.replace(self._path(key_id))
            finally:
                spare.unlink(missing_ok=True)

    def _create(self, key_id: str) -> None:
        """Put a whole new key in place, or leave the one another process put there first.

        A hard link fails if the name is taken and shows the file only when it is complete, which
        opening it exclusively and then writing to it would not.
        """
        with self._lock:
            spare = self._write_spare(key_id, secrets.token_bytes(KEY_BYTES))
            try:
                os.link(spare, self._path(key_id))
            except FileExistsError:
                pass
            finally:
                spare.unlink(missing_ok=True)

    def _write_spare(self, key_id: str, content: bytes) -> Path:
        path = self._path(key_id).with_name(f".{key_id}.{secrets.token_hex(8)}")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return path

    def _overwrite(self, key_id: str) -> None:
        try:
            with self._path(key_id).open("r+b") as file:
                file.write(bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            return

    def _path(self, key_id: str) -> Path:
        if not _NAME.fullmatch(key_id):
            code = "KEY-NAME"
            raise NotReadable(code, "a key name has lower-case letters, digits and hyphens only")
        return self._folder / key_id
