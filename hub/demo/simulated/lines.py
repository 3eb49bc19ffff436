"""The simulated stream as lines of JSON: everything another program needs to send it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from hub.demo.day import DAY_MS
from hub.demo.submissions import http_body, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.demo.simulated.stream import Simulation


class Line(NamedTuple):
    """One message: the day it is said on, from 0, and all of it as a line of JSON."""

    day: int
    text: str


def lines(simulation: Simulation) -> Iterator[Line]:
    """Yield one line for each message, earliest first.

    `case` numbers the case: whoever sends the stream to a hub puts there, in the body too, the reference
    the hub gave the sender for it; the opening has none.
    """
    for number, step in simulation.steps():
        opens = step.data.get("action") == "OPENED"
        body = http_body(step, case=None if opens else f"c{number}", data=step.data, thread={})
        plain = {
            "case": f"c{number}",
            "organisation": step.author.organisation,
            "path": path_of(step.message),
            "idempotency_key": step.key,
            "body": body,
        }
        text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
        yield Line((step.occurred_at - simulation.start) // DAY_MS, text)
