"""What the hub proves itself with to a registry outside; a secret is never in a text made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Generator


@dataclass(frozen=True, slots=True)
class Basic:
    """User and password (RFC 7617); the key and secret of a cloud registry are these."""

    user: str
    password: SecretStr

    def auth(self) -> httpx.Auth:
        """Return what httpx adds to each request."""
        return httpx.BasicAuth(self.user, self.password.get_secret_value())


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token (RFC 6750)."""

    token: SecretStr

    def auth(self) -> httpx.Auth:
        """Return what httpx adds to each request."""
        return _Token(self.token)


class _Token(httpx.Auth):
    """Adds the token to each request; httpx itself knows no Bearer."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request
