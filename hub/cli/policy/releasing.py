"""`hub policy propose | approve | release | list`: from changed rules to rules in force on a running hub."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.policy.options import Folder, Json, rules_folder

if TYPE_CHECKING:
    from pathlib import Path

    from hub.consent.releases import Listed
    from hub.messages.identifiers import Instant

EFFECTIVE = "--effective"
_DIGEST_SHOWN = 12
_DAY_MS = 24 * 60 * 60 * 1000
_DAYS_AHEAD_MAX = 366
"""A release further ahead than this is a slip of the pen: until then nobody would notice."""


def propose(
    version: Annotated[
        str, typer.Option("--version", help="Version to release the rules under, e.g. 1.2.0.")
    ],
    author: Annotated[str, typer.Option("--author", help="Who wrote them.")],
    folder: Folder = None,
) -> None:
    """Prove the rules as they are now and write release.yaml beside them, for two others to approve."""
    from hub.cli.policy.checking import unknown_fields
    from hub.consent.release import Release, proposed
    from hub.consent.versions import check_version
    from hub.errors import NotConfigured
    from hub.topics.policy_files import folder_policy, read_release, write_release

    path = rules_folder(folder)
    check_version(version, read_release(path))
    policy = folder_policy(path, version=version)
    unknown = unknown_fields(policy)
    if unknown:
        message = f"a rule names a field no contract has in that class: {', '.join(unknown)}"
        raise NotConfigured(message, fix="mend the name, or add the field to its contract first")
    digest = policy.digest
    wanted = Release(version=version, digest=digest, author=author, proposed=_today())
    file = write_release(proposed(read_release(path), wanted), path)
    print(f"proposed: {version}, digest {digest[:_DIGEST_SHOWN]}, in {file}")
    print(f"to go on: two other people approve with `hub policy approve --by NAME{_again(folder)}`")


def approve(
    by: Annotated[str, typer.Option("--by", help="Who approves; not the author.")],
    folder: Folder = None,
) -> None:
    """Approve the rules as they are now, which must be those that were proposed."""
    from hub.consent.release import approved, faults_of
    from hub.topics.policy_files import folder_policy, read_release, write_release

    path = rules_folder(folder)
    digest = folder_policy(path).digest
    release = approved(read_release(path), digest, by=by, date=_today())
    write_release(release, path)
    print(f"approved: {release.sentence}")
    missing = faults_of(release, digest)
    print("to go on: one more approval" if missing else f"to go on: `hub policy release{_again(folder)}`")


def _again(folder: Path | None) -> str:
    """Return the option that says which rules are meant, where they are not the hub's own."""
    return "" if folder is None else f" --policy {folder}"


def release(
    folder: Folder = None,
    effective: Annotated[
        str | None,
        typer.Option(EFFECTIVE, help="From when they hold, e.g. 2026-12-01T00:00Z; else at once."),
    ] = None,
) -> None:
    """Prove rules that two people approved and put them in force on the running hub, in every partition.

    Messages decided before a partition has passed the release, or before its effective time, were decided by
    the old rules; the ledger names the policy of every decision. A release takes the place of one that is
    still to come.
    """
    import asyncio

    from hub.adapters.ledger.policies import policy_facts
    from hub.app import attached
    from hub.consent.release import check_release
    from hub.consent.releases import State, listed
    from hub.consent.versions import check_above
    from hub.settings import load
    from hub.topics.policy_files import folder_policy, read_release

    path = rules_folder(folder)
    effective_at = None if effective is None else _effective(effective)
    policy = folder_policy(path)
    found = check_release(read_release(path), policy.digest)

    async def put_in_force() -> tuple[tuple[Listed, ...], str]:
        """Return the releases there were before, and the name of the one released."""
        async with attached(load()) as hub:
            async with hub.pool.connection() as connection:
                before = listed(await policy_facts(connection), _now())
            check_above(
                found.version,
                policy.digest,
                known={each.digest: each.version for each in before},
                in_force=next((each.version for each in before if each.state is State.IN_FORCE), None),
            )
            return before, await hub.release_policy(policy.documents, found, effective_at=effective_at)

    _say_released(*asyncio.run(put_in_force()), effective_at)


def _say_released(before: tuple[Listed, ...], now: str, effective_at: Instant | None) -> None:
    """Say what is in force or to come now, and what that takes the place of."""
    from hub.consent.releases import State

    held = next((each.name for each in before if each.state is State.IN_FORCE), None)
    coming = next((each for each in before if each.state is State.COMING), None)
    if held == now and coming is None:
        print(f"in force already: {now}")
    elif effective_at is None:
        print(f"in force: {now} (before: {held or 'none'})")
    else:
        print(f"to come: {now} from {_moment(effective_at)} (until then: {held or 'none'})")
    if coming is not None:
        print(f"replaced: {coming.name}, which was to come from {_moment(coming.effective)}")


def list_releases(*, as_json: Json = False) -> None:
    """List the policy releases of this hub: who wrote and approved them, how each stands, when it held.

    Rules that came back are listed once for each time they held. A release is replaced where another was
    released before its effective time.
    """
    import asyncio

    found = asyncio.run(_listed())
    if as_json:
        print(json.dumps([_plain(each) for each in found], indent=2))
        return
    if not found:
        print("No policy has been released.")
    for each in found:
        print(f"{each.version:<12} {each.state:<9} {_times(each)}  {each.digest[:_DIGEST_SHOWN]}")
        by = " and ".join(each.approvers) or "nobody"
        print(f"    by {each.author or 'an author not recorded'}, approved by {by}")


def _times(each: Listed) -> str:
    """Say when a release held, or was to."""
    from hub.consent.releases import State

    since = _moment(each.effective)
    until = _moment(each.until)
    said = {
        State.IN_FORCE: f"since {since}",
        State.COMING: f"from {since}",
        State.PAST: f"from {since} until {until}",
        State.REPLACED: f"was to hold from {since}, replaced {until}",
    }
    return said[each.state]


async def _listed() -> tuple[Listed, ...]:
    from hub.adapters.ledger.policies import policy_facts
    from hub.cli.projection import projection
    from hub.consent.releases import listed

    async with projection() as connection:
        return listed(await policy_facts(connection), _now())


def _plain(each: Listed) -> dict[str, object]:
    return {
        "name": each.name,
        "version": each.version,
        "digest": each.digest,
        "author": each.author,
        "approvers": list(each.approvers),
        "effective": None if each.effective is None else _moment(each.effective),
        "until": None if each.until is None else _moment(each.until),
        "state": each.state.value,
    }


def _instant(text: str) -> Instant:
    """Read a moment with its offset; without one it could be meant in two ways."""
    from hub.errors import WrongArgument
    from hub.messages.identifiers import Instant

    fix = "give date, time and offset, e.g. 2026-12-01T00:00Z"
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongArgument(EFFECTIVE, f"{text} is not a moment", fix=fix) from error
    if found.tzinfo is None:
        raise WrongArgument(EFFECTIVE, f"{text} does not say in which time zone", fix=fix)
    return Instant(int(found.timestamp() * 1000))


def _effective(text: str) -> Instant:
    """Read from when rules are to hold: a moment to come, and not so far away that it must be a slip."""
    from hub.errors import WrongArgument
    from hub.messages.identifiers import Instant

    found, now = _instant(text), _now()
    if found <= now:
        fix = "give a moment to come, or leave --effective out to release at once"
        raise WrongArgument(EFFECTIVE, f"{_moment(found)} has passed already", fix=fix)
    latest = now + _DAYS_AHEAD_MAX * _DAY_MS
    if found > latest:
        fix = f"give a moment within {_DAYS_AHEAD_MAX} days: before {_moment(Instant(latest))}"
        raise WrongArgument(EFFECTIVE, f"{text} is too far ahead: rules are reviewed every year", fix=fix)
    return found


def _now() -> Instant:
    from hub.messages.identifiers import Instant

    return Instant(int(datetime.now(UTC).timestamp() * 1000))


def _moment(instant: Instant | None) -> str:
    """Return a moment as text, to the second."""
    if instant is None:
        return "time not recorded"
    return f"{datetime.fromtimestamp(instant / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"
