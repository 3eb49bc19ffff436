"""What a new instance is given before anything else: the rules and the profiles that come with the hub.

Later changes are released by somebody, not by an upgrade.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.app.roles import Role
from hub.topics.profile_files import read_profiles

if TYPE_CHECKING:
    from collections.abc import Collection

    from hub.app.hub import Hub

_BY_HAND = (
    "No rules on who may know what are in force: every message is refused. Release them: "
    "`python3 -m hub policy release`, then `python3 -m hub profile release`."
)


async def release_first(hub: Hub, roles: Collection[Role]) -> tuple[str, ...]:
    """Release what an instance has not got yet; returns what somebody has to do by hand instead.

    A release is done once router and projector have taken it. Where they run in processes of their own,
    none of them knows whether the other is up, and two that release at once would fence each other.
    """
    if not {Role.ROUTER, Role.PROJECTOR} <= set(roles):
        return () if await hub.policy_in_force() is not None else (_BY_HAND,)
    if await hub.policy_in_force() is None:
        await hub.release_policy()
    # So that the log says what cases go by.
    known = {each.jurisdiction for each in await hub.profiles()}
    await hub.release_profiles(plain for plain in read_profiles() if plain["jurisdiction"] not in known)
    return ()
