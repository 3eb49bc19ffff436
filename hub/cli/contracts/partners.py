"""`hub contracts views, verify, can-i-release, who-uses, sunset-report`: what was agreed with whom."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import EXIT_NOT_VALID
from hub.cli.contracts.options import (
    Contracts,
    Json,
    Schemas,
    contract_folder,
    contracts_with,
    folders,
    now,
    policy,
    schemas_folder,
)
from hub.cli.contracts.shown import show
from hub.consent.partner_contracts import Direction
from hub.errors import NotConfigured, Unreachable, WrongArgument
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.adapters.ledger.use import Use, Uses
    from hub.consent.partner_contracts import PartnerContract
    from hub.topics.contract_files import ContractFile
    from hub.topics.library import SchemaLibrary

_DAY_MS = 86_400_000
_NO_DATABASE = "the settings name the Kafka of a hub and not its database"


def views(
    schemas: Schemas = None,
    contracts: Contracts = None,
    *,
    write: Annotated[bool, typer.Option("--write", help="Write what differs.")] = False,
    as_json: Json = False,
) -> None:
    """Compare what is generated from the contracts with what is committed: views, AsyncAPI, OpenAPI.

    Each partner's view of a message is an Avro schema with the fields of its contract and no others.
    Without --write nothing is changed, and the command leaves with 4 if a file is not what follows.
    """
    from hub.app import generated

    library, folder = folders(schemas, contracts)
    files = generated.files(folder, library)
    wrote = generated.write(folder, files) if write else ()
    differing = generated.differences(folder, files)
    if as_json:
        said = {"verdict": "refused" if differing else "ok", "differing": differing, "wrote": wrote}
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        for line in (*(f"wrote {name}" for name in wrote), *differing):
            print(line)
        if not differing:
            print("nothing had changed" if write and not wrote else _follow(len(files)))
    if differing:
        raise typer.Exit(EXIT_NOT_VALID)


def _follow(files: int) -> str:
    return f"{files} generated files are what follows from the contracts."


def verify(
    partner: Annotated[str | None, typer.Argument(help="Organisation; none: all of them.")] = None,
    registry: Annotated[
        str | None,
        typer.Option(help="Also compare with the registry at this address.", metavar="URL"),
    ] = None,
    schemas: Schemas = None,
    contracts: Contracts = None,
    *,
    as_json: Json = False,
) -> None:
    """Check contracts on real bytes: views, golden records, expectations; that nothing else comes through.

    A view must lie within what the rules could ever let go, keep every key, and have what its partner
    expects. Golden records must come out as agreed. A record full of canaries must show none from outside
    the view.
    """
    from hub.topics.verification import verify as verified

    library, folder = folders(schemas, contracts)
    files = contracts_with(folder, partner)
    rules = policy()
    findings = [found for file in files for found in verified(file, library, rules)]
    if registry is not None:
        from hub.cli.contracts.publishing import compared

        findings += compared(registry, library, files)
    show(findings, as_json=as_json, well=f"{len(files)} contract(s) hold.")


def can_i_release(
    name: Annotated[str, typer.Argument(help="Message, e.g. progress.")],
    version: Annotated[str, typer.Argument(help="Version in schemas/ to be released, e.g. 1.1.")],
    schemas: Schemas = None,
    contracts: Contracts = None,
    *,
    as_json: Json = False,
) -> None:
    """Say whether a schema version can be released, and what it does to each partner's contract.

    Every earlier version is compared, and every contract on the message is verified as it will be then.
    With a hub running here, it also says what each partner was last sent. Leaves with 4 if somebody would be
    broken.
    """
    from hub.topics.releasing import effects

    told, findings = effects(
        schemas_folder(schemas), contract_folder(contracts), name=name, version=version, policy=policy()
    )
    known = asyncio.run(_uses())
    rows = [
        _row(each.file, known) | {"gets": each.gets, "golden": each.golden, "broken": each.broken}
        for each in told
    ]
    for row in () if as_json else rows:
        mark = "BREAKS" if row["broken"] else "goes on"
        way = f"{'gets' if row['direction'] == 'receives' else 'sends'} {row['gets']}"
        golden = f"golden records: {row['golden']}"
        print(f"  {mark:<8} {row['contract']:<40} {way:<12} {golden:<28} {_used(row)}".rstrip())
    names = ", ".join(str(row["contract"]) for row in rows if row["broken"])
    if names and not as_json:
        print(f"It would break: {names}.")
    more = {"version": f"{name} {version}", "contracts": rows}
    show(findings, as_json=as_json, well=f"{name} {version} can be released.", more=more)


def who_uses(
    field: Annotated[str, typer.Argument(help="Message and field, e.g. referral.risk_information.")],
    schemas: Schemas = None,
    contracts: Contracts = None,
    *,
    as_json: Json = False,
) -> None:
    """List the contracts that have a field: who may be sent it, who sends it, who relies on it and why.

    Of a record or a list of records: the contracts that have any field in it.
    """
    library, folder = folders(schemas, contracts)
    name, _, path = field.partition(".")
    path = path.removesuffix("[]")
    if name not in {each.value for each in MessageName}:
        message = f"there is no message {name}"
        fix = f"write it as message.field; messages: {', '.join(MessageName)}"
        raise WrongArgument("FIELD", message, fix=fix)
    leaves = {spec.path for each in library.versions(name) for spec in library.contract(name, each).specs}
    if not any(_within(path, each) for each in leaves):
        message = f"no version of {name} has a field {path or '(none given)'}"
        fix = "write it as message.path; see `hub contracts list` and `show`"
        raise WrongArgument("FIELD", message, fix=fix)
    uses = asyncio.run(_uses())
    rows = []
    for file in (each for each in folder.files if each.terms.message == name):
        has = sorted(each for each in _leaves(library, file) if _within(path, each))
        if has:
            why = [each.because for each in file.expects if _within(path, each.field)]
            rows.append((_row(file, uses) | {"fields": has}, why))
    if as_json:
        told = [row | {"relies_on_it": why} for row, why in rows]
        print(json.dumps({"field": field, "contracts": told}, indent=2, ensure_ascii=False))
        return
    for row, why in rows:
        print(f"  {row['direction']:<9} {row['contract']:<40} {_phase(row):<11} {_used(row)}".rstrip())
        for each in why:
            print(f"            relies on it: {each}")
    print(f"{len(rows)} contract(s) have {field}. Who has no contract on {name} gets what the rules let go.")


def sunset_report(
    contracts: Contracts = None,
    schemas: Schemas = None,
    within: Annotated[
        int | None, typer.Option(min=0, metavar="DAYS", help="Only those that end within so many days.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the contracts that come to their end, the next first, and what each partner still uses.

    Says for each: where it is in its life, the dates, the days left, what follows it, what was last sent or
    posted by it and what is parked. That is asked of the hub the settings name, or that runs here.
    """
    _, folder = folders(schemas, contracts)
    at = now()
    uses = asyncio.run(_uses())
    rows = []
    for file in folder.files:
        sunset = file.terms.sunset
        if file.terms.deprecated is None:
            continue
        days = None if sunset is None else sunset // _DAY_MS - at // _DAY_MS
        if within is None or (days is not None and days <= within):
            rows.append(_row(file, uses) | {"days_left": days})
    rows.sort(key=lambda row: (row["days_left"] is None, row["days_left"], row["contract"]))
    if as_json:
        print(json.dumps({"contracts": rows}, indent=2, ensure_ascii=False))
        return
    for row in rows:
        after = row["alternative"] or "nothing named"
        print(f"  {_phase(row):<11} {row['contract']:<40} {_left(row):<34} then: {after}")
        parked = "not known" if row["parked"] is None else row["parked"]
        said = f"{_used(row)}; parked: {parked}" if row["direction"] == "receives" else _used(row)
        if said:
            print(f"              {said}")
    print(f"{len(rows)} contract(s) come to their end." if rows else "No contract comes to its end.")


def _left(row: Mapping[str, object]) -> str:
    """Say when a contract ends, and how far that is from today."""
    days = row["days_left"]
    if not isinstance(days, int):
        return f"deprecated {row['deprecated']}, no sunset"
    far = f"in {days} days" if days > 0 else f"{-days} days ago" if days < 0 else "today"
    return f"sunset {row['sunset']}, {far}"


def _phase(row: Mapping[str, object]) -> str:
    return str(row["phase"]).replace("_", " ")


def _row(file: ContractFile, uses: Uses | str) -> dict[str, object]:
    """Return what is said of a contract in every list."""
    terms = file.terms
    return {
        "contract": file.label,
        "direction": terms.direction.value,
        "phase": terms.phase(now()).value,
        "versions": {"oldest": terms.oldest, "newest": terms.newest},
        "deprecated": _shown(terms.deprecated),
        "sunset": _shown(terms.sunset),
        "removal": _shown(terms.removal),
        "alternative": terms.alternative,
        **_use(terms, uses),
    }


def _use(terms: PartnerContract, uses: Uses | str) -> dict[str, object]:
    """Return what was sent and parked by a contract to receive, or posted by one to send; or why unknown."""
    receives = terms.direction is Direction.RECEIVES
    if isinstance(uses, str):
        return {"last": uses if receives else None, "last_posted": None if receives else uses, "parked": None}
    about = (terms.partner, terms.message, terms.covers)
    if receives:
        sent = uses.last_sent(*about)
        parked = uses.parked_for(terms.partner, terms.message)
        return {"last": _last(sent) if sent else "never", "last_posted": None, "parked": parked}
    posted = uses.last_posted(*about)
    return {"last": None, "last_posted": _last(posted) if posted else None, "parked": None}


def _last(use: Use) -> str:
    return f"{use.last:%Y-%m-%d} in {use.version}, {use.messages:,} in its versions"


def _used(row: Mapping[str, object]) -> str:
    """Say what was last sent by a contract, or last posted; nothing where nothing was posted."""
    if row["last"] is not None:
        return f"last sent: {row['last']}"
    return "" if row["last_posted"] is None else f"last posted: {row['last_posted']}"


def _within(path: str, leaf: str) -> bool:
    """Tell whether a field is the one at a path, or lies in the record or list there."""
    return leaf == path or leaf.startswith((f"{path}.", f"{path}[]."))


def _leaves(library: SchemaLibrary, file: ContractFile) -> set[str]:
    """Return the fields that a contract has in any version of its range."""
    from hub.topics.shapes import leaves
    from hub.topics.views import views_ever

    views = (next(views_ever(library, file.terms, version), None) for version in file.versions(library))
    return {path for view in views if view is not None for path, _, _ in leaves(view.shape)}


async def _uses() -> Uses | str:
    """Ask the hub that the settings name, or that runs here; else return why nothing is known."""
    from psycopg import Error

    from hub.adapters.database.pool import open_pool
    from hub.adapters.database.server import find_running
    from hub.adapters.ledger.use import uses
    from hub.settings import load

    settings = load()
    named = settings.database.get_secret_value()
    address = named or find_running(settings)
    if address is None:
        return f"not known, {_NO_DATABASE if settings.kafka else 'no hub runs here'}"
    try:
        with _driver_silent():
            async with open_pool(address) as pool, pool.connection() as connection:
                return await uses(connection)
    except (Error, Unreachable):
        return f"not known, the hub {'named' if named else 'here'} does not answer"
    except NotConfigured as fault:
        return f"not known, {fault}"


@contextlib.contextmanager
def _driver_silent() -> Iterator[None]:
    """Keep the driver's own lines off standard error: what it fails at is said in a sentence."""
    log = logging.getLogger("psycopg")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _shown(at: int | None) -> str | None:
    return None if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
