"""A canary in every field of every message type: each is where the ledger says, and nowhere else.

One hub as it is started, at its most talkative, with everything exported; the canary's story, everything
that is refused, and the demonstration's day; then every sink there is (tests/integration/sinks.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

import hub.cli
from hub.adapters.gateway import (
    cases,
    endpoints,
    events,
    mailbox_routes,
    mesh_routes,
    recovery,
    registry,
    routes,
    stream_routes,
    subscriptions,
)
from hub.demo.check import general_form
from hub.demo.leaves import canaries as demo_canaries
from hub.demo.leaves import leaves as demo_leaves
from hub.messages.envelope import MessageName
from hub.topics.shapes import Choice, ListOf, Record, Scalar
from tests.integration.canaries import FEW, LIBRARY, NUMBERS_MIN, TOKEN, fields_of, leaves, why_none
from tests.integration.canary_story import EVERYBODY, Story, said_at
from tests.integration.canary_watch import Watched, watch
from tests.integration.sinks import (
    COMMANDS,
    IN,
    RECORD,
    ROUTES,
    SHOW_NOTHING_OF_A_HUB,
    SHOWS_ITS_SUBJECT,
    TO,
    Delivered,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
WENT, GENERALISED = "disclose", "generalise"
TRANSLATED = {"corrects", "referral", "objectives[].referral"}
"""Fields in which a recipient finds a reference of its own in the place of the sender's."""
GIVEN = {"exception"}
"""What only the hub says."""
MARK = "objectives[].yours"
"""What the hub says in the place of whatever a sender says there."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Everything that was said, decided, received and left behind."""
    folder: Path = tmp_path_factory.mktemp("canary")
    return watch(folder)


def test_only_codes_names_of_the_hub_and_small_numbers_carry_no_canary() -> None:
    """Of every contract, whatever else there is carries a value that stands nowhere else."""
    for message in MessageName:
        for path, field, shape in fields_of(LIBRARY.contract(message, "1.0").shape):
            reason = why_none(message, path, field, shape)
            if reason in {None, "general"}:
                continue
            assert reason in FEW
            low, high = field.bound("minimum") or 0, field.bound("maximum") or 0
            small = isinstance(shape, Scalar) and shape.kind == "int" and high - low <= NUMBERS_MIN
            yes_or_no = isinstance(shape, Scalar) and shape.kind == "boolean"
            closed = reason in {"role", "organisation", "prison", "fields", "reference"}
            assert isinstance(shape, Choice) or small or yes_or_no or closed, (message, path)


def test_every_field_that_anybody_can_send_is_filled_somewhere_in_the_story() -> None:
    """What nobody says could leak and never be missed."""
    said: dict[MessageName, set[str]] = {message: set() for message in MessageName}
    for each in Story(1).says:
        said[each.message] |= {path for path, _, _ in leaves(each.data)}
    lacking = {
        (message.value, path)
        for message in MessageName
        for path, field, _ in fields_of(LIBRARY.contract(message, "1.0").shape)
        if not field.made_by_hub and path not in said[message] and message.value not in GIVEN
    }
    # A merge names a case of the same person, which the story does not have.
    assert lacking == {("case", "merged_case")}


def test_every_route_is_called_or_known_to_tell_nothing() -> None:
    """A route that comes later is a sink: say in `ROUTES` how it is read."""
    of_registry = {route.path for route in registry.router.routes}  # type: ignore[attr-defined]
    posted = {routes.route_of(message) for message in routes.POSTED}
    parts = (
        *(routes, mailbox_routes, mesh_routes, stream_routes),
        *(events, cases, endpoints, recovery, subscriptions),
    )
    addressed = [route for part in parts for route in part.router.routes]
    addressed += mesh_routes.public_router.routes
    found = {route.path for route in addressed}
    assert found - posted == set(ROUTES)
    # The registry is made from the contracts, which say nothing of anybody.
    assert all(path.startswith("/registry") for path in of_registry)


def test_every_command_is_run_or_known_to_show_nothing_of_a_hub() -> None:
    """A command that comes later is a sink: say in `COMMANDS` how it is asked for all it shows."""
    assert {*_commands()} == set(COMMANDS) | SHOW_NOTHING_OF_A_HUB | SHOWS_ITS_SUBJECT


def _commands() -> Iterator[str]:
    """Yield every command of the command line."""
    for name in hub.cli.GROUPS:
        found = hub.cli._load(name)
        inner = getattr(found, "commands", None)
        yield from (name,) if inner is None else (f"{name} {each}" for each in inner)


@pytest.mark.requirement("R-MSG-12")
def test_everything_in_the_story_is_taken(watched: Watched) -> None:
    """A message that is refused would show nothing; each type is told at least once."""
    assert {name: state for name, state in watched.states.items() if state != "routed"} == {}
    assert {name.split("-", 1)[1] for name in watched.states} == set(MessageName) - GIVEN


class Ledger:
    """What the ledger says of each delivery, and what must then be in it."""

    def __init__(self, watched: Watched) -> None:
        """Sort it by delivery, and what was said by message."""
        self.watched = watched
        self.rows = {row["delivery_id"]: row for row in watched.ledger if row["delivery_id"]}
        self.says = {each.name: each for each in watched.story.says}
        self.sent = {name: data for name, (_, data) in watched.sent.items()}
        moments = {said_at(name): name for name in self.sent}
        all_headers = (
            *(one.headers for one in (*watched.delivered, *watched.pushed)),
            *(headers for _, headers in watched.on_topics),
        )
        self.names = {
            headers["ce_id"]: moments[headers["ce_time"]]
            for headers in all_headers
            if headers["ce_time"] in moments
            and moments[headers["ce_time"]].endswith(headers["ce_type"].removeprefix("hub."))
        }
        """By delivery, what it is of: also what whoever joins is given later, under another id."""

    def of(self, delivered: Delivered) -> Mapping[str, Any]:
        """Return the ledger's record of a delivery."""
        row = self.rows[delivered.headers["ce_id"]]
        assert (row["organisation"], row["role"]) == (delivered.organisation, delivered.headers["hub-role"])
        return row

    def outcome(self, row: Mapping[str, Any], path: str, scope: str) -> str:
        """Return the outcome for a field; what nobody decided is withheld."""
        found = {(field["path"], field["scope"]): field["outcome"] for field in row["fields"]}
        return str(found.get((path, scope), "withhold"))

    def expected(self, row: Mapping[str, Any]) -> dict[tuple[str, object], object]:
        """Return every value a delivery must have, by path and list item."""
        name = self.names[row["delivery_id"]]
        data = self.sent[name]
        shape = LIBRARY.contract(self.says[name].message, "1.0").shape
        found: dict[tuple[str, object], object] = {}
        for field in shape.fields:
            value = data.get(field.name)
            if isinstance(field.shape, ListOf) and isinstance(field.shape.item, Record):
                for item in value or ():
                    found |= self._item(row, field.name, field.shape.item, item)
            elif value is not None:
                found |= self._leaf(row, field.name, value, "all", None, general=field.text("general"))
        return found

    def _item(
        self, row: Mapping[str, Any], name: str, shape: Record, item: Mapping[str, Any]
    ) -> dict[tuple[str, object], object]:
        scope = "all"
        if shape.own is not None:
            scope = "theirs" if item.get(shape.own) == row["organisation"] else "others"
        keys = {field.name for field in shape.fields if field.properties.get("key")}
        place = next((item[key] for key in sorted(keys)), None)
        found: dict[tuple[str, object], object] = {}
        for inner, value in item.items():
            found |= self._leaf(row, f"{name}[].{inner}", value, scope, place)
        kept = {path.rpartition(".")[2] for path, _ in found}
        return found if keys <= kept and kept - keys else {}

    def _leaf(
        self,
        row: Mapping[str, Any],
        path: str,
        value: object,
        scope: str,
        place: object,
        *,
        general: str | None = None,
    ) -> dict[tuple[str, object], object]:
        outcome = self.outcome(row, path, scope)
        if outcome == GENERALISED and general is not None:
            return {(general, place): self._general(row, general, value)}
        return {(path, place): value} if outcome == WENT else {}

    def _general(self, row: Mapping[str, Any], general: str, value: object) -> object:
        """Return the general form; a token follows from the case's own reference, recipient and value."""
        if not general.endswith("_token"):
            return general_form(general, value)
        parts = ("pseudonym", row["case_ref"], row["organisation"], str(value))
        framed = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return hashlib.blake2b(framed, digest_size=16).hexdigest()

    def in_mailbox(self, organisation: str) -> set[str]:
        """Return the deliveries an organisation found in its mailbox; what was stopped later is not there."""
        return {one.headers["ce_id"] for one in self.watched.delivered if one.organisation == organisation}

    def on_topic(self, organisation: str) -> set[str]:
        """Return the deliveries on an organisation's own topic; what went by Kafka has gone."""
        return {headers["ce_id"] for topic, headers in self.watched.on_topics if topic == TO + organisation}

    def pushed(self, organisation: str) -> set[str]:
        """Return the deliveries that webhooks brought to an organisation."""
        return {one.headers["ce_id"] for one in self.watched.pushed if one.organisation == organisation}

    def words(self, organisation: str, deliveries: set[str]) -> set[str]:
        """Return every canary an organisation may have, by what it was delivered."""
        found: set[str] = set()
        for row in self.rows.values():
            if (
                row["organisation"] != organisation
                or row["delivery_id"] not in self.names.keys() & deliveries
            ):
                continue
            says = self.says[self.names[row["delivery_id"]]]
            for (path, _), value in self.expected(row).items():
                if path not in TRANSLATED or self._own(path, value, organisation):
                    found |= {str(each) for each in (value if isinstance(value, list) else [value])}
            if self.outcome(row, "@author", "all") == WENT:
                found.add(says.author)
        return found & self.watched.story.mint.made | {
            token.decode() for text in found for token in TOKEN.findall(text.encode())
        }

    def _own(self, path: str, value: object, organisation: str) -> bool:
        """Tell whether a referral's name goes as it is: to the service, and to whoever is no partner."""
        if path == "corrects":
            return False
        own = self.watched.story.referrals.get(organisation)  # type: ignore[call-overload]
        return "rung" not in organisation or value == own


def given(delivered: Delivered) -> dict[tuple[str, object], object]:
    """Return every value of a delivery, by path and list item."""
    shape = LIBRARY.contract(MessageName(delivered.headers["ce_type"].removeprefix("hub.")), "1.0").shape
    found: dict[tuple[str, object], object] = {}
    for field in shape.fields:
        value = delivered.data.get(field.name)
        if isinstance(field.shape, ListOf) and isinstance(field.shape.item, Record):
            keys = sorted(each.name for each in field.shape.item.fields if each.properties.get("key"))
            for item in value or ():
                place = next((item[key] for key in keys), None)
                inner = {(f"{field.name}[].{name}", place): each for name, each in item.items()}
                found |= {where: each for where, each in inner.items() if each is not None}
        elif value is not None:
            found[field.name, None] = value
    return found


@pytest.mark.requirement("R-DIS-01", "R-DIS-09")
def test_each_recipient_has_what_the_ledger_says_it_has_and_nothing_else(watched: Watched) -> None:
    """Field by field, both ways: what is disclosed is there as it was sent, all else is null."""
    ledger = Ledger(watched)
    compared = 0
    for delivered in (*watched.delivered, *watched.pushed):
        row = ledger.of(delivered)
        if row["delivery_id"] not in ledger.names:
            continue
        wanted, found = (
            {place: value for place, value in each.items() if place[0] != MARK}
            for each in (ledger.expected(row), given(delivered))
        )
        where = (row["organisation"], row["role"], ledger.names[row["delivery_id"]])
        assert found.keys() == wanted.keys(), where
        for place, value in wanted.items():
            compared += 1
            assert place[0] in TRANSLATED or found[place] == value, (where, place)
    assert compared > 1000


@pytest.mark.requirement("R-DIS-01", "R-DIS-09")
def test_each_recipient_knows_of_the_envelope_what_the_ledger_says(watched: Watched) -> None:
    """Its author and the author's organisation, or neither."""
    ledger = Ledger(watched)
    for delivered in (*watched.delivered, *watched.pushed):
        row = ledger.of(delivered)
        if row["delivery_id"] not in ledger.names:
            continue
        says = ledger.says[ledger.names[row["delivery_id"]]]
        wanted = {"hub-author": ("@author", says.author)}
        wanted["hub-author-organisation"] = ("@author_organisation", says.by)
        for header, (path, value) in wanted.items():
            told = ledger.outcome(row, path, "all") == WENT
            assert delivered.headers.get(header) == (value if told else None)


@pytest.mark.requirement("R-DIS-01")
def test_a_topic_of_ones_own_holds_the_same_canaries_as_the_mailbox(watched: Watched) -> None:
    """Every canary the ledger says was told is there, and no other: in values, keys, headers, listings."""
    ledger = Ledger(watched)
    for organisation in EVERYBODY:
        for sink, deliveries in (
            (f"mailbox/{organisation}", ledger.in_mailbox(organisation)),
            (f"topic/{TO}{organisation}", ledger.on_topic(organisation)),
            (f"webhook/{organisation}", ledger.pushed(organisation)),
        ):
            words = ledger.words(organisation, deliveries)
            allowed = {word.upper().encode() for word in words if TOKEN.fullmatch(word.encode())}
            # The second prison has no part in what is pushed.
            assert allowed or sink == "webhook/canary-jail", sink
            assert tokens(watched.sinks[sink]) == allowed, sink


@pytest.mark.requirement("R-DIS-01")
def test_identifiers_and_dates_are_with_those_only_whom_the_ledger_names(watched: Watched) -> None:
    """What bears no token is looked for as it is: numbers of persons, telephones, dates, moments."""
    ledger = Ledger(watched)
    looked_for = {word for word in watched.story.mint.made if not TOKEN.search(word.encode())}
    for organisation in EVERYBODY:
        there = ledger.in_mailbox(organisation) | ledger.pushed(organisation)
        allowed = ledger.words(organisation, there)
        said = watched.sinks[f"mailbox/{organisation}"] + watched.sinks[f"webhook/{organisation}"]
        found = {word for word in looked_for if word.encode() in said}
        assert found >= looked_for & allowed, organisation
        # What a correction took back is there no more; a report may name a date of it that went by Kafka.
        assert found <= looked_for & ledger.words(organisation, there | ledger.on_topic(organisation))


def named_oneself(watched: Watched, sink: str) -> set[bytes]:
    """Return the field names a sender made up: the answer points to the field, to the sender alone."""
    by = sink.removeprefix("answers/")
    return {says.correlation.encode() for says in watched.never.says if says.by == by}


def tokens(blob: bytes) -> set[bytes]:
    """Return every token in a sink."""
    return {token.upper() for token in TOKEN.findall(blob)}


def of_a_recipient(sink: str) -> bool:
    """Tell whether a sink is an organisation's own: what it was given, or what it wrote itself."""
    return sink.startswith(("mailbox/", "webhook/", RECORD, f"topic/{TO}", f"topic/{IN}"))


@pytest.mark.requirement("R-CASE-09", "R-DIS-01")
def test_a_case_record_shows_its_reader_nothing_that_is_not_told_or_their_own(watched: Watched) -> None:
    """Read in every role there is, by everybody: what mailbox and topic hold, or what the reader wrote.

    Beside that, who was on the team before they came, what the person said then on sharing with them, and
    what was said of health before the person consented to their knowing it: it is read by today's facts.
    """
    read = 0
    before = [
        str(says.data.get(name))
        for says in watched.story.says
        for name in ("person", "consent")
        if says.message in {MessageName.TEAM_CHANGE, MessageName.CONSENT}
    ]
    known = tokens(" ".join(before).encode())
    for organisation in EVERYBODY:
        own = json.dumps([says.data for says in watched.story.says if says.by == organisation]).encode()
        told = (watched.sinks[f"{kind}{organisation}"] for kind in ("mailbox/", "webhook/", f"topic/{TO}"))
        allowed = known.union(tokens(own), *(tokens(sink) for sink in told))
        if any(
            organisation in str(says.data.get("organisations")) and "health" in str(says.data["classes"])
            for says in watched.story.says
            if says.message is MessageName.CONSENT and says.data["action"] == "GIVEN"
        ):
            health = [str(says.data.get("vulnerability_note")) for says in watched.story.says]
            allowed |= tokens(" ".join(health).encode())
        found = tokens(watched.sinks.get(f"{RECORD}{organisation}", b""))
        assert found - allowed == set(), organisation
        read += len(found)
    assert read > 50


@pytest.mark.requirement("R-AUD-04", "R-DIS-01")
def test_no_sink_of_the_hubs_own_holds_a_canary_in_the_clear(watched: Watched) -> None:
    """Topics, tables, logs, spans, metrics, answers, listings for staff, files: sealed, or not there."""
    made = watched.story.mint.made | watched.never.mint.made
    plain = [word.encode() for word in made if not TOKEN.search(word.encode())]
    leaked = {}
    for sink, blob in watched.sinks.items():
        if not of_a_recipient(sink):
            found = tokens(blob) | (set() if sink.startswith("disk/") else {w for w in plain if w in blob})
            if found := found - named_oneself(watched, sink):
                leaked[sink] = sorted(found)[:5]
    assert leaked == {}


@pytest.mark.requirement("R-DIS-01")
def test_what_was_refused_is_with_nobody(watched: Watched) -> None:
    """On no case, in a wrong form, in an address: only its sender's own topic has it."""
    made = {token.upper().encode() for token in watched.never.mint.made if TOKEN.fullmatch(token.encode())}
    for sink, blob in watched.sinks.items():
        if not sink.startswith(f"topic/{IN}"):
            assert not tokens(blob) & made - named_oneself(watched, sink), sink
    assert tokens(watched.sinks[f"topic/{IN}{EVERYBODY[0]}"]) <= made


@pytest.mark.requirement("R-DIS-01")
def test_every_sink_was_really_read(watched: Watched) -> None:
    """A sink that is found empty would hold nothing whatever leaks."""
    said = watched.sinks["process/logs, spans, metrics"]
    for part in (b'"name": "route"', b'"level": "warning"', b"hub.quarantine", b'"data_points"'):
        assert part in said
    empty = {name for name, blob in watched.sinks.items() if not blob and not name.startswith("topic/")}
    # Nothing stands still, the second prison says nothing, there is no second case to be merged, and nobody
    # sets anything right by hand, or registers a key to sign by.
    by_hand = {"table/remedy", "table/subscription", "table/acknowledgement_key"}
    assert empty <= {"table/projector_stopped", "answers/canary-jail", "table/merged_case"} | by_hand
    for kind in (
        "topic/hub.intake",
        "topic/hub.ledger",
        "topic/hub.deliveries",
        "table/ledger",
        "disk/broker",
        "disk/base",
        "answers/nobody",
    ):
        assert watched.sinks[kind]


@pytest.mark.requirement("R-DIS-01", "R-AUD-04")
def test_after_the_demonstration_no_sink_of_the_hubs_own_holds_what_it_told(watched: Watched) -> None:
    """The day's own values are sealed wherever they lie; what recipients have of them was checked before."""
    demo = watched.demo
    assert demo is not None
    assert [str(difference) for difference in demo.checked.differences] == []
    secrets = {
        canary.encode()
        for step in demo.world.steps
        for path, value in demo_leaves(demo.evidence.sent.get(step.name, step.data)).items()
        for canary in demo_canaries(path, value)
    }
    secrets = {each for each in secrets if len(each) >= 6}
    assert len(secrets) > 100
    leaked = {
        sink: sorted(found)[:5]
        for sink, blob in watched.sinks.items()
        if not of_a_recipient(sink)
        and not sink.startswith("disk/")
        and (found := {s for s in secrets if s in blob})
    }
    assert leaked == {}
