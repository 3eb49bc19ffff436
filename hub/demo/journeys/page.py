"""Reads a journey's page: its cast, its scenes, and where what came of them is to be written.

A scene is a fenced block whose information string is `yaml` and one of the words below; everything else
on the page is prose. What a run came to stands between two comments and is written anew by each run.

    yaml cast    who takes part: a short name → organisation/role
    yaml begin   the case is opened, its team appointed, referrals offered and accepted
    yaml say     somebody sends a message, and what must come of it
    yaml push    a prison system hands on an event of its own, as it is
    yaml wait    time passes, and what must come of that
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import yaml

from hub.demo.day import Staff, iso
from hub.errors import NotConfigured
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant, OrganisationId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BLOCK = re.compile(r"^```yaml (cast|begin|say|push|wait)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
CAME, DRAWN, END = "<!-- what came of it -->", "<!-- drawn from the run -->", "<!-- end -->"
_GENERATED = re.compile(rf"{re.escape(CAME)}\n.*?{re.escape(END)}\n", re.DOTALL)
_DRAWING = re.compile(rf"{re.escape(DRAWN)}\n.*?{re.escape(END)}\n", re.DOTALL)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_MINUTE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
ALL = "all"
"""Every field that was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Must:
    """What somebody must get, or must never get, of a scene."""

    who: str
    """organisation/role, as deliveries and the ledger write it."""
    message: str | None = None
    """None: the message that was sent."""
    fields: tuple[str, ...] = ()
    """Fields that must be there, or must not; (`all`,): every one that was sent. Empty: any."""
    code: str | None = None
    """Of an exception report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Something that happens at one moment, and what must come of it."""

    at: Instant
    gets: tuple[Must, ...] = ()
    never: tuple[Must, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun(Scene):
    """The case and its team, as they are when the story begins."""

    opened_by: Staff
    case: Mapping[str, object]
    """Payload of the case message, but for its action."""
    team: tuple[tuple[Staff, Mapping[str, object]], ...]
    """Who is appointed, each with further fields of the team change."""
    appointed_by: Staff
    consents: tuple[Mapping[str, object], ...]
    """What the person agrees to before anything is offered, as payloads."""
    referrals: tuple[tuple[Staff, Mapping[str, object]], ...]
    """The Key Worker who accepts, and the payload of the offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Scene):
    """A message that somebody sends."""

    name: str
    by: Staff
    message: MessageName
    data: Mapping[str, object]
    statement: str = "fact"
    refused: bool = False
    """True: it must be set aside, and nobody hears of it."""
    cites: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Payload field → (`message` or `delivery`, name of an earlier scene)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed(Scene):
    """An event of the prison system, handed on as it is; it names the person by number, and no case."""

    by: Staff
    event: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited(Scene):
    """Time passes, and nobody sends anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A journey as its page tells it."""

    title: str
    cast: Mapping[str, Staff]
    scenes: tuple[Scene, ...]

    def called(self, recipient: str) -> str:
        """Return what the page calls a recipient: the short name of its cast, in plain words."""
        for name, staff in self.cast.items():
            if recipient == f"{staff.organisation}/{staff.role.value}":
                return name.replace("_", " ")
        return recipient


def read_page(text: str) -> Page:
    """Read a page.

    Raises:
        NotConfigured: A block is not as it should be; it is named with its line and field.
    """
    title = _TITLE.search(text)
    cast: dict[str, Staff] = {}
    scenes: list[Scene] = []
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        try:
            block = _Block(word=found[1], values=_plain(yaml.safe_load(found[2])), cast=cast)
            if block.word == "cast":
                cast |= block.people()
                continue
            scenes.append(block.scene(len(scenes)))
        except (yaml.YAMLError, KeyError, ValueError, TypeError, AttributeError) as error:
            message = f"the block `{found[1]}` in line {line} is not right: {error}"
            raise NotConfigured(message, fix="mend the block; another journey shows how one looks") from error
    if title is None or not cast or not scenes:
        message = "a journey needs a title, a cast and a scene"
        raise NotConfigured(message, fix="begin with `# title`, then blocks `yaml cast` and `yaml begin`")
    return Page(title=title[1], cast=cast, scenes=tuple(scenes))


def with_results(text: str, tables: Iterator[str], drawing: str) -> str:
    """Return the page with what came of each scene after its block, and the drawing in its place."""
    bare = _GENERATED.sub("", text)

    def after(found: re.Match[str]) -> str:
        if found[1] in {"cast", "begin"}:
            return found[0]
        return f"{found[0]}{CAME}\n{next(tables)}{END}\n"

    written = BLOCK.sub(after, bare)
    return _DRAWING.sub(lambda _: f"{DRAWN}\n{drawing}{END}\n", written)


class _Block:
    """One block, read with its faults named by field."""

    def __init__(self, *, word: str, values: object, cast: Mapping[str, Staff]) -> None:
        if not isinstance(values, dict):
            message = "it holds no fields"
            raise TypeError(message)
        self.word, self.cast = word, cast
        self._values: dict[str, object] = {str(name): value for name, value in values.items()}

    def people(self) -> dict[str, Staff]:
        """Read the cast."""
        found = {}
        for number, (name, place) in enumerate(self._values.items(), start=1):
            organisation, _, role = str(place).partition("/")
            reference = f"st-{name.replace('_', '-')}-{number}"
            found[name] = Staff(
                reference=reference, organisation=OrganisationId(organisation), role=Role(role)
            )
        return found

    def scene(self, number: int) -> Scene:
        """Read a scene; a field nobody knows is refused."""
        reading: Mapping[str, Callable[[int], Scene]] = {
            "begin": self._begun,
            "say": self._said,
            "push": self._pushed,
            "wait": self._waited,
        }
        scene = reading[self.word](number)
        if self._values:
            message = f"nobody knows the field {next(iter(self._values))}"
            raise ValueError(message)
        return scene

    def _begun(self, _number: int) -> Scene:
        return Begun(
            at=self._moment("at"),
            opened_by=self._person("opened_by"),
            appointed_by=self._person("appointed_by"),
            case=self._mapping("case"),
            team=tuple(self._with_person(each, "who") for each in self._list("team")),
            consents=tuple(self._list("consents")),
            referrals=tuple(self._with_person(each, "key_worker") for each in self._list("referrals")),
        )

    def _said(self, number: int) -> Scene:
        return Said(
            name=str(self._values.pop("name", number)),
            at=self._moment("at"),
            by=self._person("by"),
            message=MessageName(str(self._values.pop("message"))),
            data=self._mapping("data"),
            statement=str(self._values.pop("statement", "fact")),
            refused=self._values.pop("refused", False) is True,
            cites={name: _cited(what) for name, what in self._mapping("cites").items()},
            gets=tuple(self._must("gets")),
            never=tuple(self._must("never")),
        )

    def _pushed(self, _number: int) -> Scene:
        return Pushed(
            at=self._moment("at"),
            by=self._person("by"),
            event=self._mapping("event"),
            gets=tuple(self._must("gets")),
            never=tuple(self._must("never")),
        )

    def _waited(self, _number: int) -> Scene:
        return Waited(
            at=self._moment("until"), gets=tuple(self._must("gets")), never=tuple(self._must("never"))
        )

    def _moment(self, name: str) -> Instant:
        text = str(self._values.pop(name))
        return Instant(int(datetime.fromisoformat(text).timestamp() * 1000))

    def _person(self, name: str) -> Staff:
        return self._in_cast(self._values.pop(name))

    def _in_cast(self, name: object) -> Staff:
        if name not in self.cast:
            message = f"{name!r} is nobody of the cast"
            raise ValueError(message)
        return self.cast[str(name)]

    def _mapping(self, name: str) -> dict[str, object]:
        value = self._values.pop(name, {})
        if not isinstance(value, dict):
            message = f"{name} holds no fields"
            raise TypeError(message)
        return value

    def _list(self, name: str) -> list[dict[str, object]]:
        value = self._values.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            message = f"{name} is no list of fields"
            raise ValueError(message)
        return value

    def _with_person(self, values: dict[str, object], name: str) -> tuple[Staff, dict[str, object]]:
        return self._in_cast(values[name]), {key: value for key, value in values.items() if key != name}

    def _must(self, name: str) -> Iterator[Must]:
        for each in self._list(name):
            who = self._in_cast(each.pop("who"))
            fields = each.pop("fields", [])
            yield Must(
                who=f"{who.organisation}/{who.role.value}",
                fields=(fields,) if isinstance(fields, str) else tuple(map(str, fields)),  # type: ignore[call-overload]
                **{key: str(value) for key, value in each.items()},
            )


def _cited(what: object) -> tuple[str, str]:
    if not isinstance(what, dict) or len(what) != 1:
        message = "what is cited is {message: scene} or {delivery: scene}"
        raise ValueError(message)
    ((kind, name),) = what.items()
    return str(kind), str(name)


def _plain(value: object) -> object:
    """Return what YAML read as JSON has it: dates and moments as text, in UTC."""
    if isinstance(value, str) and _MINUTE.fullmatch(value):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return iso(int(value.replace(tzinfo=value.tzinfo or UTC).timestamp() * 1000))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
