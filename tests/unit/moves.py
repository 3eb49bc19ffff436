"""What prisons tell of one person's movements, for tests of what follows from it."""

from __future__ import annotations

from hub.messages.envelope import MessageName
from hub.routing.outcome import Result
from tests.unit.worlds import UNIT, Staff, World, refused, staffed


def event(
    world: World, by: Staff, action: str, status: str = "CONFIRMED", *, fact: str = "", **fields: object
) -> Result:
    """Let a prison report a movement, under a correlation of its own or the one given."""
    named = {"correlation": fact} if fact else {}
    return world.send(by, MessageName.PRISON_EVENT, {"action": action, "status": status, **fields}, **named)


def held() -> World:
    """Return a world whose person is held in Moorland."""
    world = staffed()
    assert refused(event(world, UNIT, "RECEPTION", prison_to="MDI")) is None
    return world


def prison(world: World) -> str | None:
    """Return where the person is held."""
    assert world.state.custody is not None
    return world.state.custody.prison
