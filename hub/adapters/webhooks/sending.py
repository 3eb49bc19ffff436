"""One attempt: a delivery opened, written, signed and posted, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from hub.adapters.webhooks.answers import Kind, Verdict, classify
from hub.adapters.webhooks.body import body_of
from hub.adapters.webhooks.outcomes import NotAnswered
from hub.adapters.webhooks.recording import Ended
from hub.adapters.webhooks.target import Target
from hub.errors import HubError, NotReadable
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.adapters.webhooks.egress import Egress
    from hub.adapters.webhooks.pushes import Ready
    from hub.adapters.webhooks.secrets import SecretBox
    from hub.topics.opened import Opener

KEY_ERASED = "KEY-ERASED"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends to any endpoint."""

    egress: Egress
    opener: Opener
    secrets: SecretBox
    body_bytes_max: int
    now_s: Callable[[], float] = time.time

    async def send(self, ready: Ready, *, before_s: float) -> Ended | None:
        """Make the attempt; None if it would leave later than that moment of the monotonic clock.

        The moment is looked at when everything is ready to leave, and last of all once there is a connection:
        who was too slow to be connected to is tried again, like anybody who does not answer in time.
        """
        row, endpoint = ready.row, ready.endpoint
        try:
            body, notice = self._body(ready)
            now_s = self.now_s()
            sealed = Sealed(key_id=endpoint.key_id, nonce=bytes(endpoint.nonce), box=bytes(endpoint.box))
            signer = self.secrets.signer(sealed, endpoint_id=endpoint.endpoint_id, now_s=now_s)
            headers = {
                "Content-Type": "application/json",
                **signer.headers(row.delivery_id, int(now_s), body),
            }
            target = Target.of(endpoint.endpoint_id, endpoint.url, on_loopback=endpoint.on_loopback)
        except NotReadable as error:
            return _unreadable(ready, error.code)
        except HubError as error:
            return _unreadable(ready, error.code)
        except (KeyError, ValueError, TypeError) as error:
            return _unreadable(ready, type(error).__name__)
        if time.monotonic() > before_s:
            return None
        outcome = await self.egress.post(target, endpoint.url, headers=headers, body=body, before_s=before_s)
        return Ended(
            ready=ready,
            verdict=classify(outcome, now=datetime.fromtimestamp(self.now_s(), UTC)),
            has_left=not isinstance(outcome, NotAnswered) or outcome.ambiguous,
            notice=notice,
        )

    def _body(self, ready: Ready) -> tuple[bytes, bool]:
        row = ready.row
        sealed = Sealed(key_id=row.key_id, nonce=bytes(row.nonce), box=bytes(row.box))
        opened = self.opener.open(sealed, delivery_id=row.delivery_id, agreed=ready.agreed)
        return body_of(ready, opened, bytes_max=self.body_bytes_max)


def _unreadable(ready: Ready, code: str) -> Ended:
    """Say that it could not be made: the hub's own fault, unless the person's key has been erased."""
    erased = code == KEY_ERASED
    if not erased:
        _log.error("push.unreadable", delivery_id=ready.row.delivery_id, code=code)
    verdict = Verdict(kind=Kind.OURS, reason=code, charge=0)
    return Ended(ready=ready, verdict=verdict, erased=erased)
