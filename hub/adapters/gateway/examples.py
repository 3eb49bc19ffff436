"""One example of each message an organisation may post, as it stands beside the message's contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from hub.topics.library import SCHEMAS

if TYPE_CHECKING:
    from hub.messages.envelope import MessageName


def example(message: MessageName) -> dict[str, object]:
    """Return a whole body for this message type; all of it is invented."""
    text = (SCHEMAS / message / "example.json").read_text(encoding="utf-8")
    return cast("dict[str, object]", json.loads(text))
