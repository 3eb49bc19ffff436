"""Tokens of MESH as its clients make them."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import UTC, datetime, timedelta


def mesh_token(mailbox: str, password: str, shared_key: str, *, minutes_ago: int = 0) -> str:
    """A token for one request."""
    minute = f"{datetime.now(UTC) - timedelta(minutes=minutes_ago):%Y%m%d%H%M}"
    nonce = uuid.uuid4()
    said = f"{mailbox}:{nonce}:0:{password}:{minute}"
    hashed = hmac.new(shared_key.encode(), said.encode(), hashlib.sha256).hexdigest()
    return f"NHSMESH {mailbox}:{nonce}:0:{minute}:{hashed}"
