"""A client of any registry with the Confluent API, as far as the hub writes to one and compares with one.

    async with open_registry("https://registry.example/apis/ccompat/v7", login=Bearer(token)) as registry:
        await registry.latest("hub.to.river-drug-service-hub.referral.v1.ReferralMessage")

Only what Confluent's registry and Apicurio (3.0.9 and 3.3.3 were measured) answer alike is relied on:
the error codes 40401 to 40403, ids, versions and texts; never the verdict of a check, whose reasons
Apicurio leaves out, but that of a registration.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx

from hub.adapters.registry.limits import RegistryLimits
from hub.errors import Drift, NotConfigured, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from hub.adapters.registry.login import Basic, Bearer

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, SCHEMA_NOT_FOUND = 40401, 40402, 40403
_ABSENT = frozenset({SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, SCHEMA_NOT_FOUND})
_LATEST = "latest"
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]+")
_TRIED_AGAIN = frozenset({429, 500, 502, 503, 504})
_HEADERS = {
    "Accept": f"{MEDIA_TYPE}, application/json",
    "Content-Type": MEDIA_TYPE,
    # So that the bound on an answer's size is one on what is held of it, too.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A version as a registry has it."""

    subject: str
    version: int
    id: int
    schema: str
    """The schema as JSON text, in the registry's own spelling."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer, read whole."""

    status: int
    document: object
    """The body as JSON; None where it is none."""

    @property
    def error_code(self) -> int:
        """The Confluent error code, or 0."""
        code = self.document.get("error_code") if isinstance(self.document, dict) else None
        return code if type(code) is int else 0

    @property
    def reason(self) -> str:
        """What the registry says about a refusal."""
        said = self.document.get("message") if isinstance(self.document, dict) else None
        return said if isinstance(said, str) else "no reason given"


@dataclass(frozen=True, slots=True)
class HttpRegistry:
    """A registry behind an HTTP client whose base address is that of the API.

    Every method raises:
        Unreachable: It did not answer within `call_timeout_s`, or answered 5xx to every attempt.
        NotConfigured: It refuses the credentials, or there is no Confluent API at that address.
        Drift: It refuses what is asked of it (409, 422); its reason is in the message.
    """

    http: httpx.AsyncClient = field(repr=False)
    limits: RegistryLimits = field(default_factory=RegistryLimits)

    async def schema(self, number: int) -> str | None:
        """Return the text of the schema with this id, or None."""
        found = await self._ask("GET", f"schemas/ids/{number}")
        return None if found is None else _text(found, "schema")

    async def versions(self, subject: str) -> tuple[int, ...]:
        """Return the numbers of a subject's versions, none where the registry does not have it."""
        found = await self._ask("GET", f"subjects/{_quoted(subject)}/versions")
        if found is None:
            return ()
        if not isinstance(found, list) or not all(type(each) is int for each in found):
            raise _not_the_api()
        if len(found) > self.limits.versions_max:
            message = (
                f"the registry has {len(found)} versions of {subject}; {self.limits.versions_max} are read"
            )
            raise Drift(message, fix="compare this subject by hand, or delete versions the registry's way")
        return tuple(found)

    async def version(self, subject: str, number: int) -> Stored | None:
        """Return one version of a subject, or None."""
        return _stored(await self._ask("GET", f"subjects/{_quoted(subject)}/versions/{number}"))

    async def latest(self, subject: str) -> Stored | None:
        """Return the latest version of a subject, or None."""
        return _stored(await self._ask("GET", f"subjects/{_quoted(subject)}/versions/{_LATEST}"))

    async def lookup(self, subject: str, schema: str) -> Stored | None:
        """Return the version of a subject that is this schema, as the registry judges it, or None."""
        return _stored(await self._ask("POST", f"subjects/{_quoted(subject)}", {"schema": schema}))

    async def register(self, subject: str, schema: str) -> int:
        """Register a schema and return its id: the old one where the registry had it already."""
        path = f"subjects/{_quoted(subject)}/versions"
        found = await self._ask("POST", path, {"schema": schema, "schemaType": "AVRO"})
        if found is None:
            raise _not_the_api()
        return _number(found, "id")

    async def set_compatibility(self, subject: str, level: str) -> bool:
        """Set what the registry checks of a subject's further versions; False where it lacks the subject."""
        found = await self._ask("PUT", f"config/{_quoted(subject)}", {"compatibility": level})
        return found is not None

    async def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> object | None:
        """Return the document of a good answer, or None where the registry has no such thing."""
        answer = await self._try(method, path, body)
        if answer.status == httpx.codes.NOT_FOUND and answer.error_code in _ABSENT:
            return None
        if not httpx.codes.is_success(answer.status):
            raise self._refusal(answer)
        if answer.document is None:
            raise _not_the_api()
        return answer.document

    async def _try(self, method: str, path: str, body: Mapping[str, str] | None) -> _Answer:
        """Ask until there is an answer worth having, at most so often and so long."""
        told = "it did not answer in time"
        try:
            async with asyncio.timeout(self.limits.call_timeout_s):
                for attempt in range(self.limits.attempts_max):
                    if attempt:
                        await asyncio.sleep(self._pause_s(attempt))
                    try:
                        answer = await self._once(method, path, body)
                    except httpx.RequestError as error:
                        told = type(error).__name__
                        continue
                    if answer.status not in _TRIED_AGAIN:
                        return answer
                    told = f"it answered {answer.status}: {self._shown(answer.reason)}"
        except TimeoutError:
            pass
        message = f"the schema registry at {self._address()} cannot be reached: {told}"
        raise Unreachable(message, fix="check that it runs and that its address is right, then try again")

    def _pause_s(self, attempt: int) -> float:
        return min(self.limits.first_pause_s * 2.0 ** (attempt - 1), self.limits.pause_s_max)

    async def _once(self, method: str, path: str, body: Mapping[str, str] | None) -> _Answer:
        """Send one request and read its answer, up to the first byte too many."""
        content = None if body is None else json.dumps(body)
        async with self.http.stream(method, path, content=content) as response:
            held = bytearray()
            async for piece in response.aiter_bytes():
                held += piece
                if len(held) > self.limits.answer_bytes_max:
                    message = f"the schema registry answered more than {self.limits.answer_bytes_max} bytes"
                    raise NotConfigured(message, fix="check that the address is that of a schema registry")
        try:
            document = json.loads(held)
        except (ValueError, RecursionError):
            document = None
        return _Answer(response.status_code, document)

    def _refusal(self, answer: _Answer) -> Exception:
        """Return the error for an answer that is no success."""
        status, reason = answer.status, self._shown(answer.reason)
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            message = f"the schema registry at {self._address()} refuses the hub's credentials ({status})"
            return NotConfigured(message, fix="give a user or token that may do this there")
        if status in {httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY}:
            message = f"the schema registry refuses this ({status}): {reason}"
            return Drift(
                message, fix="bring the registry and the schemas in git together; nothing was replaced"
            )
        if status == httpx.codes.METHOD_NOT_ALLOWED:
            message = f"the schema registry at {self._address()} does not take this: {reason}"
            return NotConfigured(message, fix="name a registry that can be written to")
        return _not_the_api(f"answered {status} at {self._address()}: {reason}")

    def _address(self) -> str:
        """The address of the API, which holds no credentials."""
        return str(self.http.base_url).rstrip("/")

    def _shown(self, reason: str) -> str:
        """Return a reason fit for a terminal: printable and not too long."""
        return _NOT_PRINTABLE.sub(" ", reason)[: self.limits.reason_chars_max]


@asynccontextmanager
async def open_registry(
    url: str, *, login: Basic | Bearer | None = None, limits: RegistryLimits | None = None
) -> AsyncIterator[HttpRegistry]:
    """Give a client of the registry whose Confluent API is at this address.

    Raises:
        NotConfigured: The address is none, or holds credentials.
    """
    bounds = limits or RegistryLimits()
    timeout = httpx.Timeout(bounds.read_timeout_s, connect=bounds.connect_timeout_s)
    auth = None if login is None else login.auth()
    async with httpx.AsyncClient(
        base_url=_checked(url), auth=auth, timeout=timeout, headers=_HEADERS
    ) as http:
        yield HttpRegistry(http, bounds)


def _checked(url: str) -> httpx.URL:
    """Return the address, refusing what would be logged or sent elsewhere than meant."""
    fix = "give the address of its Confluent API, e.g. https://registry.example/apis/ccompat/v7"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        message = "the registry's address is not a URL"
        raise NotConfigured(message, fix=fix) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.query or parsed.fragment:
        message = "the registry's address is not an http or https URL without query"
        raise NotConfigured(message, fix=fix)
    if parsed.userinfo:
        message = "the registry's address holds credentials, which would be seen in logs"
        raise NotConfigured(message, fix="give user and password, or a token, apart from the address")
    return parsed


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _not_the_api(what: str = "answered what no schema registry answers") -> NotConfigured:
    message = f"the schema registry {what}"
    return NotConfigured(
        message, fix="give the address of its Confluent API, e.g. https://registry.example/apis/ccompat/v7"
    )


def _stored(document: object | None) -> Stored | None:
    if document is None:
        return None
    return Stored(
        subject=_text(document, "subject"),
        version=_number(document, "version"),
        id=_number(document, "id"),
        schema=_text(document, "schema"),
    )


def _text(document: object, name: str) -> str:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, str):
        raise _not_the_api()
    return value


def _number(document: object, name: str) -> int:
    value = document.get(name) if isinstance(document, dict) else None
    if type(value) is not int:
        raise _not_the_api()
    return value
