"""What an operator names on the command line, in the hub's own form: organisations, cases, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import WrongArgument

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from hub.topics.codec import Codec


async def known_parties(connection: AsyncConnection) -> list[str]:
    """Return the names of the organisations there are."""
    cursor = await connection.execute("SELECT name FROM control WHERE kind = 'organisation' ORDER BY name")
    return [str(row[0]) for row in await cursor.fetchall()]


def opened_with() -> Codec:
    """Return what opens what is sealed, with the keys of this instance."""
    from hub.settings import load
    from hub.topics.codec import Codec
    from hub.topics.keys import FileKeyStore
    from hub.topics.library import SchemaLibrary

    settings = load()
    keys = FileKeyStore(settings.instance_folder / "keys")
    return Codec(library=SchemaLibrary.load(settings.schemas), keys=keys)


def known_party(organisation: str, parties: list[str]) -> str:
    """Return an organisation there is: of one there is not, nothing would look like all being well."""
    from hub.consent.parties import nearest

    if organisation in parties:
        return organisation
    message = f"there is no organisation {organisation}{nearest(organisation, parties)}"
    raise WrongArgument("--organisation", message, fix="see `python3 -m hub partner list`")


async def known_case(connection: AsyncConnection, reference: str, parties: list[str]) -> str:
    """Return a case the ledger knows of, in the hub's own form."""
    case = own_form(reference, "case", parties)
    cursor = await connection.execute("SELECT 1 FROM ledger WHERE case_ref = %s LIMIT 1", (case,))
    if await cursor.fetchone() is not None:
        return case
    message = f"the ledger has nothing on a case {reference}"
    fix = "give the reference as an organisation knows it, or the hub's own"
    raise WrongArgument("--case", message, fix=fix)


def own_form(reference: str, sort: str, parties: list[str]) -> str:
    """Return the hub's own form of a reference, whichever organisation it was given to."""
    from hub.errors import NotReadable
    from hub.messages.identifiers import OrganisationId
    from hub.settings import load
    from hub.topics.keys import FileKeyStore
    from hub.topics.pairwise import Pairwise

    if "_" not in reference:
        return reference.lower()
    pairwise = Pairwise(FileKeyStore(load().instance_folder / "keys"))
    read = pairwise.message_from if sort == "message" else pairwise.case_from
    for party in parties:
        try:
            return read(OrganisationId(party), reference)
        except NotReadable:
            continue
    message = f"this {sort} reference was given to no organisation"
    fix = "give the reference as an organisation knows it, or the hub's own id"
    raise WrongArgument(f"--{sort}", message, fix=fix)
