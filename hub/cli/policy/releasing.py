"""`hub policy release`: putting rules in force on a running hub."""

from __future__ import annotations

from hub.cli.policy.options import Folder, Version, compiled


def release(
    folder: Folder = None,
    version: Version = None,
) -> None:
    """Prove the rules and put them in force on the running hub, in every partition.

    Messages decided before a partition has passed the release were decided by the old rules; the ledger
    names the policy of every decision. Rules of your own need a version of their own.
    """
    import asyncio

    from hub.app import attached
    from hub.settings import load

    policy = compiled(folder, version)

    async def put_in_force() -> tuple[str | None, str]:
        """Return the policy before and the one now."""
        async with attached(load()) as hub:
            before = await hub.policy_in_force()
            return before, await hub.release_policy(policy.documents, version=policy.version)

    before, now = asyncio.run(put_in_force())
    print(f"in force already: {now}" if before == now else f"in force: {now} (before: {before or 'none'})")
