"""Takes a request's body off the wire: bounded while it is read, JSON only, whole in good time."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from hub.adapters.gateway.problems import ProblemError
from hub.errors import InvalidBody
from hub.topics.strict_json import read_object

if TYPE_CHECKING:
    from fastapi import Request

_JSON = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?', re.IGNORECASE)
REGISTRY_JSON = re.compile(
    r'application/(vnd\.schemaregistry(\.v1)?\+)?json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?', re.IGNORECASE
)
"""What clients of a schema registry send."""


async def json_object(
    request: Request, *, bytes_max: int, depth_max: int, timeout_s: float, kind: re.Pattern[str] = _JSON
) -> dict[str, object]:
    """Return the JSON object that is the request's body; `kind` is the content type it must come as.

    Raises:
        ProblemError: it is too large, too slow, not JSON, or JSON that readers would read differently.

    """
    _only(request, kind)
    raw = await bounded(request, bytes_max=bytes_max, timeout_s=timeout_s)
    try:
        return read_object(raw, depth_max=depth_max)
    except InvalidBody as error:
        code = "json-invalid"
        raise ProblemError(code, faults=error.faults) from None


def _only(request: Request, kind: re.Pattern[str]) -> None:
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    given = request.headers.get("content-type", "").strip()
    if coding != "identity" or kind.fullmatch(given) is None:
        code = "content-type-unsupported"
        raise ProblemError(code, headers={"Accept-Post": "application/json"})


async def bounded(request: Request, *, bytes_max: int, timeout_s: float) -> bytes:
    """Read the body, giving up at the first byte too many rather than after the last."""
    too_large = ProblemError("body-too-large", members={"limit_bytes": bytes_max})
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > len(str(bytes_max)) or int(announced) > bytes_max):
        raise too_large
    held = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for piece in request.stream():
                held += piece
                if len(held) > bytes_max:
                    raise too_large
    except TimeoutError:
        code = "request-timeout"
        raise ProblemError(code) from None
    return bytes(held)
