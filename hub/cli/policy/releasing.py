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
    from hub.errors import NotConfigured
    from hub.topics.policy_files import folder_policy, read_release, write_release

    path = rules_folder(folder)
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

    from hub.app import attached
    from hub.consent.release import check_release
    from hub.settings import load
    from hub.topics.policy_files import folder_policy, read_release

    path = rules_folder(folder)
    policy = folder_policy(path)
    found = check_release(read_release(path), policy.digest)
    effective_at = None if effective is None else _instant(effective)

    async def put_in_force() -> tuple[str | None, str | None, str]:
        """Return the policies in force and to come before, and the one released."""
        async with attached(load()) as hub:
            before, coming = await hub.policy_in_force(), await hub.policy_coming()
            return (
                before,
                coming,
                await hub.release_policy(policy.documents, found, effective_at=effective_at),
            )

    before, coming, now = asyncio.run(put_in_force())
    if before == now and coming is None:
        print(f"in force already: {now}")
    elif effective_at is None:
        print(f"in force: {now} (before: {before or 'none'})")
    else:
        print(f"to come: {now} from {_moment(effective_at)} (until then: {before or 'none'})")
    if coming not in {None, now}:
        print(f"no longer to come: {coming}")


def list_releases(*, as_json: Json = False) -> None:
    """List the policy releases of this hub: who wrote and approved them, since when, which holds."""
    import asyncio

    found = asyncio.run(_listed())
    if as_json:
        print(json.dumps([_plain(each) for each in found], indent=2))
        return
    if not found:
        print("No policy has been released.")
    for each in found:
        print(f"{each.version:<12} {each.state:<15} {_moment(each.effective)}  {each.digest[:_DIGEST_SHOWN]}")
        by = " and ".join(each.approvers) or "nobody"
        print(f"    by {each.author or 'an author not recorded'}, approved by {by}")


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
