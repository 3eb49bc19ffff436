"""The simulated stream as lines of JSON: everything another program needs to send it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hub.demo.submissions import http_body, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.demo.simulated.stream import Simulation


def lines(simulation: Simulation) -> Iterator[str]:
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
        yield json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
