"""`hub contracts views, verify, can-i-release, who-uses, sunset-report`: what was agreed with whom."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import EXIT_NOT_VALID
from hub.cli.contracts.options import Contracts, Json, Schemas, folders, policy
from hub.cli.contracts.shown import show
from hub.errors import NotConfigured
from hub.messages.identifiers import Instant

if TYPE_CHECKING:
    from hub.adapters.ledger.use import Uses
    from hub.topics.contract_files import ContractFile

_UNKNOWN = "not known, no hub runs here"
_DAY_MS = 86_400_000


def views(
    schemas: Schemas = None,
    contracts: Contracts = None,
    *,
    write: Annotated[bool, typer.Option("--write", help="Write what differs.")] = False,
) -> None:
    """Compare what is generated from the contracts with what is committed: views, AsyncAPI, OpenAPI.

    Each partner's view of a message is an Avro schema with the fields of its contract and no others.
    Without --write nothing is changed, and the command leaves with 4 if a file is not what follows.
    """
    from hub.app import generated

    library, folder = folders(schemas, contracts)
    files = generated.files(folder, library)
    if write:
        changed = generated.write(folder, files)
        print("\n".join(f"wrote {name}" for name in changed) or "nothing had changed")
        return
    differing = generated.differences(folder, files)
    for line in differing:
        print(line)
    if differing:
        raise typer.Exit(EXIT_NOT_VALID)
    print(f"{len(files)} generated files are what follows from the contracts.")


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
    files = folder.files if partner is None else folder.of(partner)
    if not files:
        message = f"there is no contract with {partner}" if partner else "there is no contract"
        raise NotConfigured(message, fix=f"contracts are with: {', '.join(folder.partners()) or 'nobody'}")
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
    from hub.settings import load
    from hub.topics.contract_files import ContractFolder
    from hub.topics.releasing import effects

    settings = load()
    told, findings = effects(
        schemas or settings.schemas,
        ContractFolder.load(contracts or settings.contracts),
        name=name,
        version=version,
        policy=policy(),
    )
    known = asyncio.run(_uses())
    rows = [
        _row(each.file, known) | {"gets": each.gets, "golden": each.golden, "broken": each.broken}
        for each in told
    ]
    for row in () if as_json else rows:
        mark = "BREAKS" if row["broken"] else "goes on"
        golden = f"golden records: {row['golden']}"
        print(
            f"  {mark:<8} {row['contract']:<40} gets {row['gets']:<6} {golden:<24} last sent: {row['last']}"
        )
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
    """List the contracts that have a field: who may be sent it, who sends it, who relies on it and why."""
    library, folder = folders(schemas, contracts)
    name, _, path = field.partition(".")
    known = {spec.path for each in library.versions(name) for spec in library.contract(name, each).specs}
    if path not in known:
        message = f"no version of {name} has a field {path or '(none given)'}"
        raise NotConfigured(message, fix="write it as message.path; see `hub contracts list` and `show`")
    uses = asyncio.run(_uses())
    rows = []
    for file in folder.files:
        terms = file.terms
        if terms.message != name or (terms.view is not None and path not in terms.view):
            continue
        rows.append((_row(file, uses), [each.because for each in file.expects if each.field == path]))
    if as_json:
        told = [row | {"relies_on_it": why} for row, why in rows]
        print(json.dumps({"field": field, "contracts": told}, indent=2, ensure_ascii=False))
        return
    for row, why in rows:
        print(f"  {row['direction']:<9} {row['contract']:<40} {row['phase']:<11} last sent: {row['last']}")
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

    Says for each: where it is in its life, the dates, the days left, what follows it, what was last sent by
    it and what is parked. Without a hub running here, what was sent and parked is not known.
    """
    _, folder = folders(schemas, contracts)
    now = _now()
    uses = asyncio.run(_uses())
    rows = []
    for file in folder.files:
        sunset = file.terms.sunset
        if file.terms.deprecated is None:
            continue
        days = None if sunset is None else (sunset - now) // _DAY_MS
        if within is None or (days is not None and days <= within):
            rows.append(_row(file, uses) | {"days_left": days})
    rows.sort(key=lambda row: (row["days_left"] is None, row["days_left"], row["contract"]))
    if as_json:
        print(json.dumps({"contracts": rows}, indent=2, ensure_ascii=False))
        return
    for row in rows:
        left = "no sunset set" if row["days_left"] is None else f"{row['days_left']} days left"
        after = row["alternative"] or "nothing named"
        print(f"  {row['phase']:<11} {row['contract']:<40} {left:<16} then: {after}")
        print(f"              last sent: {row['last']}; parked: {row['parked']}")
    print(f"{len(rows)} contract(s) come to their end." if rows else "No contract comes to its end.")


def _row(file: ContractFile, uses: Uses | None) -> dict[str, object]:
    """Return what is said of a contract in every list."""
    terms = file.terms
    used = None if uses is None else uses.last(terms.partner, terms.message)
    last = _UNKNOWN if uses is None else "never"
    if used is not None:
        last = f"{used.last:%Y-%m-%d} in {used.version}, {used.deliveries:,} in all"
    return {
        "contract": file.label,
        "direction": terms.direction.value,
        "phase": terms.phase(_now()).value.replace("_", " "),
        "versions": {"oldest": terms.oldest, "newest": terms.newest},
        "deprecated": _shown(terms.deprecated),
        "sunset": _shown(terms.sunset),
        "removal": _shown(terms.removal),
        "alternative": terms.alternative,
        "last": last,
        "parked": None if uses is None else uses.parked_for(terms.partner, terms.message),
    }


async def _uses() -> Uses | None:
    """Ask the hub that runs here, if one does."""
    from hub.adapters.ledger.use import uses
    from hub.app import attached
    from hub.errors import HubError
    from hub.settings import load

    try:
        async with attached(load()) as hub, hub.pool.connection() as connection:
            return await uses(connection)
    except HubError:
        return None


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)


def _shown(at: int | None) -> str | None:
    return None if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
