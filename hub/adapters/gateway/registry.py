"""The read part of the Confluent schema registry API, so that its clients can decode what is on hub.to.*.

A caller sees the schemas of its own records and no others: another's is answered like one that does not
exist. `?subject=` beside an id does not narrow the answer, as it does not in Confluent's registry: its
newer clients send the topic's name there. Nothing is written here; schemas come from git.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from hub.adapters.gateway.body import REGISTRY_JSON, json_object
from hub.adapters.gateway.identity import Party, admitted
from hub.adapters.gateway.registry_answers import (
    INVALID_SCHEMA,
    INVALID_VERSION,
    MEDIA_TYPE,
    PREFIX,
    SCHEMA,
    SUBJECT,
    SUBJECT_CONFIG,
    SUBJECT_MODE,
    VERSION,
    RegistryError,
    RegistryJson,
    described,
)
from hub.adapters.gateway.routes import services
from hub.errors import InvalidBody
from hub.topics.avro.canonical import digest
from hub.topics.published import PublishedSchema
from hub.topics.strict_json import read_object
from hub.topics.views import derived_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.adapters.gateway.identity import Identity

_LEVEL = "FULL_TRANSITIVE"
_ALL_CONTEXTS = ":*:"
_LATEST = frozenset({"latest", "-1"})
_NUMBER = re.compile(r"[0-9]{1,10}")
_NUMBER_MAX = 2_147_483_647
_BASIC = re.compile(r"[Bb]asic +([A-Za-z0-9+/]{1,512}={0,2})")
_ONCE_FOR_ALL = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Authorization"}
_AVRO, _READ_ONLY, _DEFAULT_CONTEXT = "AVRO", "READONLY", "."

_TEXT, _TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
_SCHEMA = {"type": "object", "required": ["schema"], "properties": {"schema": _TEXT}}
_STORED = {
    "type": "object",
    "required": ["subject", "version", "id", "schema"],
    "properties": {
        "subject": _TEXT,
        "version": {"type": "integer"},
        "id": {"type": "integer"},
        "schema": _TEXT,
    },
}
_AVRO_SCHEMA = {"description": "The Avro schema itself."}
_CONFIG = {"type": "object", "properties": {"compatibilityLevel": {"const": _LEVEL}}}
_MODE = {"type": "object", "properties": {"mode": {"const": _READ_ONLY}}}
_PAIR = {"type": "object", "properties": {"subject": _TEXT, "version": {"type": "integer"}}}


async def identified(identity: Identity, headers: Mapping[str, str]) -> Party | None:
    """Return the party behind a request: by Bearer key, or by Basic with its name and the same key."""
    presented = _BASIC.fullmatch(headers.get("authorization", ""))
    if presented is None:
        return await identity.identify(headers)
    try:
        user, _, key = base64.b64decode(presented[1], validate=True).decode().partition(":")
    except ValueError:
        return None
    party = await identity.identify({"authorization": f"Bearer {key}"})
    return party if party is not None and party.organisation == user else None


async def published(request: Request) -> tuple[PublishedSchema, ...]:
    """Return the schemas that exist for the organisation that calls."""
    gateway = services(request)
    organisation = admitted(await identified(gateway.identity, request.headers))
    return await gateway.agreements.published(organisation.organisation)


Published = Annotated[tuple[PublishedSchema, ...], Depends(published)]
Prefix = Annotated[str, Query(alias="subjectPrefix", max_length=512, description="Names beginning so.")]
Offset = Annotated[int, Query(ge=0, description="Leave out so many.")]
Limit = Annotated[int, Query(description="Most names; below 1: all.")]
Global = Annotated[bool, Query(alias="defaultToGlobal", description="Answer the level in force anyway.")]

router = APIRouter(prefix=PREFIX, tags=["registry"], default_response_class=RegistryJson)


@router.get("", include_in_schema=False)
@router.get("/", operation_id="get-registry", summary="An empty document", responses=described({}))
async def root(schemas: Published) -> Response:  # noqa: ARG001 - a caller is known everywhere
    """Answer as Confluent's registry does, where clients try whether there is one."""
    return RegistryJson({})


@router.get(
    "/schemas/types",
    operation_id="list-schema-types",
    summary="The kinds of schema there are: Avro",
    responses=described(_TEXTS),
)
async def types(schemas: Published) -> Response:  # noqa: ARG001 - a caller is known everywhere
    """List the kinds of schema."""
    return RegistryJson([_AVRO])


@router.get(
    "/schemas/ids/{number}",
    operation_id="get-schema",
    summary="The schema a record was written with, by the id in its frame",
    responses=described(_SCHEMA, SCHEMA),
)
async def schema_by_id(schemas: Published, number: str) -> Response:
    """Answer what every deserialiser asks first."""
    return RegistryJson({"schema": _with_id(schemas, number)[0].schema}, headers=_ONCE_FOR_ALL)


@router.get(
    "/schemas/ids/{number}/schema",
    operation_id="get-schema-alone",
    summary="The same, as the Avro schema itself",
    responses=described(_AVRO_SCHEMA, SCHEMA),
)
async def schema_alone(schemas: Published, number: str) -> Response:
    """Answer the schema without anything around it."""
    return _alone(_with_id(schemas, number)[0].schema, headers=_ONCE_FOR_ALL)


@router.get(
    "/schemas/ids/{number}/subjects",
    operation_id="list-subjects-of-schema",
    summary="The subjects that have this schema",
    responses=described(_TEXTS, SCHEMA),
)
async def subjects_of_id(schemas: Published, number: str) -> Response:
    """List the caller's subjects with this id."""
    return RegistryJson([each.subject for each in _with_id(schemas, number)])


@router.get(
    "/schemas/ids/{number}/versions",
    operation_id="list-versions-of-schema",
    summary="The subjects and versions that are this schema",
    responses=described({"type": "array", "items": _PAIR}, SCHEMA),
)
async def versions_of_id(schemas: Published, number: str) -> Response:
    """List the caller's subjects and versions with this id."""
    found = _with_id(schemas, number)
    return RegistryJson([{"subject": each.subject, "version": each.version} for each in found])


@router.get(
    "/subjects",
    operation_id="list-subjects",
    summary="Your subjects: one for each message you receive",
    responses=described(_TEXTS),
)
async def subjects(
    schemas: Published, prefix: Prefix = "", offset: Offset = 0, limit: Limit = -1
) -> Response:
    """List the caller's subjects by name."""
    wanted = "" if prefix == _ALL_CONTEXTS else prefix
    names = sorted({each.subject for each in schemas if each.subject.startswith(wanted)})
    return RegistryJson(names[offset : offset + limit if limit > 0 else None])


@router.post(
    "/subjects/{subject}",
    operation_id="find-schema",
    summary="Which version of a subject a schema is",
    responses=described(_STORED, SUBJECT, SCHEMA, INVALID_SCHEMA),
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}},
)
async def lookup(request: Request, schemas: Published, subject: str) -> Response:
    """Find a schema by what it says, however it is spelt; reading, though clients post it."""
    gateway = services(request)
    document = await json_object(
        request,
        bytes_max=gateway.body_bytes_max,
        depth_max=gateway.limits.json_depth_max,
        timeout_s=gateway.limits.body_read_timeout_s,
        kind=REGISTRY_JSON,
    )
    versions = _of_subject(schemas, subject)
    sought = _digest(document, depth_max=gateway.limits.schema_depth_max)
    for each in versions:
        if each.digest == sought:
            return RegistryJson(_stored(each))
    raise RegistryError(SCHEMA)


@router.get(
    "/subjects/{subject}/versions",
    operation_id="list-versions",
    summary="The versions of a subject",
    responses=described({"type": "array", "items": {"type": "integer"}}, SUBJECT),
)
async def versions_of_subject(schemas: Published, subject: str) -> Response:
    """List a subject's versions."""
    return RegistryJson([each.version for each in _of_subject(schemas, subject)])


@router.get(
    "/subjects/{subject}/versions/{version}",
    operation_id="get-version",
    summary="One version of a subject, or the latest",
    responses=described(_STORED, SUBJECT, VERSION, INVALID_VERSION),
)
async def version_of_subject(schemas: Published, subject: str, version: str) -> Response:
    """Answer one version of a subject."""
    return RegistryJson(_stored(_version(schemas, subject, version)))


@router.get(
    "/subjects/{subject}/versions/{version}/schema",
    operation_id="get-version-alone",
    summary="The same, as the Avro schema itself",
    responses=described(_AVRO_SCHEMA, SUBJECT, VERSION, INVALID_VERSION),
)
async def version_alone(schemas: Published, subject: str, version: str) -> Response:
    """Answer one version of a subject without anything around it."""
    return _alone(_version(schemas, subject, version).schema)


@router.get(
    "/config",
    operation_id="get-compatibility",
    summary="What every version is held to: it reads all others, and they read it",
    responses=described(_CONFIG),
)
async def config(schemas: Published) -> Response:  # noqa: ARG001 - a caller is known everywhere
    """Answer the level the hub's own checks hold contracts to."""
    return RegistryJson({"compatibilityLevel": _LEVEL})


@router.get(
    "/config/{subject}",
    operation_id="get-compatibility-of-subject",
    summary="The same, for one subject",
    responses=described(_CONFIG, SUBJECT_CONFIG),
)
async def config_of_subject(schemas: Published, subject: str, default: Global = False) -> Response:  # noqa: FBT002
    """Answer the level of one of the caller's subjects."""
    _expect(schemas, subject, error_code=SUBJECT_CONFIG, default=default)
    return RegistryJson({"compatibilityLevel": _LEVEL})


@router.get("/mode", operation_id="get-mode", summary="READONLY", responses=described(_MODE))
async def mode(schemas: Published) -> Response:  # noqa: ARG001 - a caller is known everywhere
    """Say that nothing is written here."""
    return RegistryJson({"mode": _READ_ONLY})


@router.get(
    "/mode/{subject}",
    operation_id="get-mode-of-subject",
    summary="The same, for one subject",
    responses=described(_MODE, SUBJECT_MODE),
)
async def mode_of_subject(schemas: Published, subject: str, default: Global = False) -> Response:  # noqa: FBT002
    """Say that nothing is written to one of the caller's subjects."""
    _expect(schemas, subject, error_code=SUBJECT_MODE, default=default)
    return RegistryJson({"mode": _READ_ONLY})


@router.get(
    "/contexts", operation_id="list-contexts", summary="The default context", responses=described(_TEXTS)
)
async def contexts(schemas: Published) -> Response:  # noqa: ARG001 - a caller is known everywhere
    """List contexts: there is the default one."""
    return RegistryJson([_DEFAULT_CONTEXT])


def _with_id(schemas: tuple[PublishedSchema, ...], number: str) -> tuple[PublishedSchema, ...]:
    """Return the versions with this id, at least one.

    A record from before an outside registry gave its view an id bears the one that follows from the digest.
    """
    sought = int(number) if _NUMBER.fullmatch(number) else None
    found = tuple(each for each in schemas if sought in {each.id, derived_id(each.digest)})
    if not found:
        raise RegistryError(SCHEMA)
    return found


def _of_subject(schemas: tuple[PublishedSchema, ...], subject: str) -> list[PublishedSchema]:
    """Return a subject's versions in order, at least one."""
    found = sorted((each for each in schemas if each.subject == subject), key=lambda each: each.version)
    if not found:
        raise RegistryError(SUBJECT)
    return found


def _version(schemas: tuple[PublishedSchema, ...], subject: str, version: str) -> PublishedSchema:
    """Return one version of a subject."""
    if version not in _LATEST and not (_NUMBER.fullmatch(version) and 0 < int(version) <= _NUMBER_MAX):
        raise RegistryError(INVALID_VERSION)
    versions = _of_subject(schemas, subject)
    if version in _LATEST:
        return versions[-1]
    for each in versions:
        if each.version == int(version):
            return each
    raise RegistryError(VERSION)


def _expect(schemas: tuple[PublishedSchema, ...], subject: str, *, error_code: int, default: bool) -> None:
    """Refuse a subject that the caller does not have, unless it asks for the level in force anyway."""
    if not default and all(each.subject != subject for each in schemas):
        raise RegistryError(error_code)


def _digest(document: Mapping[str, object], *, depth_max: int) -> str:
    """Return the digest of the schema that is looked up."""
    text = document.get("schema")
    if not isinstance(text, str) or document.get("schemaType", _AVRO) not in (_AVRO, None):
        raise RegistryError(INVALID_SCHEMA)
    try:
        return digest(read_object(text.encode(), depth_max=depth_max))
    except InvalidBody:
        raise RegistryError(INVALID_SCHEMA) from None


def _stored(schema: PublishedSchema) -> dict[str, object]:
    return {
        "subject": schema.subject,
        "version": schema.version,
        "id": schema.id,
        "schema": schema.schema,
    }


def _alone(schema: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(schema, media_type=MEDIA_TYPE, headers=headers)
