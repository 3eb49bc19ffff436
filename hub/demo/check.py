"""Compares what recipients really received with the hand-written expectations, both ways.

A field expected must be there with the value that was posted; a field held back must be absent and
its canary occur nowhere in anything that recipient got; a delivery nobody expects is a difference.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.demo.check_envelope import Envelopes
from hub.demo.check_ledger import Ledger
from hub.demo.difference import Difference
from hub.demo.evidence import Channel
from hub.demo.expectations import End
from hub.demo.leaves import canaries, covers, leaves, step_time, time_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.demo.day import Step
    from hub.demo.evidence import Evidence, Received
    from hub.demo.expectations import Expectations, Expected, Share
    from hub.demo.world import World

GENERAL_FORMS = {"month": slice(0, 7), "year": slice(0, 4)}
BANDS = ((25.0, "LOW"), (50.0, "MEDIUM"), (75.0, "HIGH"))
"""Upper ends, not included, of the bands of a likelihood in per cent; above the last: VERY_HIGH."""

MARK = ".yours"
"""What the hub itself adds to an objective of the Sentence Plan that is the recipient's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was asserted, counted, and where it did not hold."""

    steps: int
    deliveries: int
    shown: int
    general: int
    held: int
    searches: int
    """Canaries looked for in everything some recipient got."""
    differences: tuple[Difference, ...]

    ledger: int
    """Ledger records compared with what was received, and with who had a part in the case."""

    @property
    def holds(self) -> bool:
        """Whether every line of the story is true."""
        return not self.differences


def check(world: World, expectations: Expectations, evidence: Evidence) -> Checked:
    """Assert every line of the story from the evidence, and say where it does not hold."""
    examination = _Examination(world, expectations, evidence)
    return examination.result()


def general_form(sibling: str, exact: object) -> object:
    """Return what a general sibling must hold, worked out here and not by the hub's own rules."""
    text = str(exact)
    kind = sibling.rpartition("_")[2]
    if kind == "area":
        return text.partition(" ")[0]
    if kind == "end":
        return f"***{text[-3:]}"
    if kind == "band":
        return next((band for end, band in BANDS if float(text) < end), "VERY_HIGH")
    general = text[GENERAL_FORMS[kind]]
    return int(general) if kind == "year" else general


class _Examination:
    """One run of the check; collects differences and counts."""

    def __init__(self, world: World, expectations: Expectations, evidence: Evidence) -> None:
        """Sort the deliveries to the steps they are of."""
        self.expectations, self.evidence, self.world = expectations, evidence, world
        self.differences: list[Difference] = []
        self.counts: Counter[str] = Counter()
        self.by_step: dict[str, dict[str, list[Received]]] = defaultdict(lambda: defaultdict(list))
        self.hub_made: list[Received] = []
        times = {step_time(step): step.name for step in reversed(world.steps)}
        for received in evidence.received:
            name = times.get(time_of(received.headers))
            if received.message == "exception" or name is None:
                self.hub_made.append(received)
            else:
                self.by_step[name][received.recipient].append(received)

    def result(self) -> Checked:
        """Run every comparison."""
        for step in self.world.steps:
            self._step(step)
        self._quarantine()
        self._raised()
        self._alike()
        self._channels()
        self._order()
        everything = (self.world, self.expectations, self.evidence, self.by_step)
        self.differences += [*Envelopes(*everything).differences(), *Ledger(*everything).differences()]
        self._leaks()
        return Checked(
            steps=self.counts["steps"],
            deliveries=self.counts["deliveries"],
            shown=self.counts["shown"],
            general=self.counts["general"],
            held=self.counts["held"],
            searches=self.counts["searches"],
            ledger=len(self.evidence.judgements),
            differences=tuple(self.differences),
        )

    def _differ(self, what: str, *, step: str = "", recipient: str = "", field: str = "") -> None:
        self.differences.append(Difference(step=step, recipient=recipient, field=field, what=what))

    def _step(self, step: Step) -> None:
        self.counts["steps"] += 1
        expected = self.expectations.steps.get(step.likeness)
        if expected is None:
            self._differ("the expectations do not speak of it", step=step.name)
            return
        self._answer(step, expected)
        got = self.by_step.get(step.name, {})
        for recipient in sorted(got.keys() - expected.recipients.keys()):
            self._differ("received, though nothing was to go there", step=step.name, recipient=recipient)
        for recipient, share in expected.recipients.items():
            self._delivery(step, recipient=recipient, share=share, got=got.get(recipient, []))

    def _answer(self, step: Step, expected: Expected) -> None:
        answered = self.evidence.answers.get(step.name)
        if answered is None:
            self._differ("was never sent", step=step.name)
            return
        if expected.status is not None and answered.status != expected.status:
            self._differ(f"answered {answered.status}, not {expected.status}", step=step.name)
        state = {End.ROUTED: "routed", End.REFUSED: "refused"}.get(expected.end)
        if answered.state is not None and state is not None and answered.state != state:
            self._differ(f"its sender reads {answered.state!r}, not {state!r}", step=step.name)
        if expected.end is End.AT_THE_DOOR:
            self._problem(step, expected, body=json.dumps(dict(answered.body)))

    def _problem(self, step: Step, expected: Expected, *, body: str) -> None:
        for named in filter(None, (expected.code, expected.pointer)):
            if named not in body:
                self._differ(f"the problem does not name {named}", step=step.name)
        for path, value in leaves(step.data).items():
            if any(canary in body for canary in canaries(path, value)):
                self._differ("the problem echoes a value", step=step.name, field=path)

    def _delivery(self, step: Step, *, recipient: str, share: Share, got: list[Received]) -> None:
        ids = {received.delivery for received in got}
        if not ids:
            self._differ("nothing arrived", step=step.name, recipient=recipient)
            return
        if len(ids) != 1 + len(share.again):
            self._differ(f"arrived {len(ids)} times", step=step.name, recipient=recipient)
        self.counts["deliveries"] += 1
        for received in got:
            for field, what in self._fields(step, share, received):
                self._differ(f"{what} ({received.channel})", step=step.name, recipient=recipient, field=field)

    def _fields(self, step: Step, share: Share, received: Received) -> Iterator[tuple[str, str]]:
        posted, got = leaves(self.evidence.sent.get(step.name, step.data)), leaves(received.payload)
        accounted: set[str] = set()
        for path, value in posted.items():
            words = [word for word, patterns in _said(share) if any(covers(p, path) for p in patterns)]
            if len(words) != 1:
                yield (
                    path,
                    "the expectations must say once whether it is shown" + (", not twice" if words else ""),
                )
                continue
            self.counts[words[0]] += 1
            accounted.add(path)
            yield from _one_field(path, value, got=got, share=share, word=words[0])
        yield from _own_marks(posted, got, received.recipient)
        accounted |= {path for path in got if path.endswith(MARK)}
        siblings = set(share.general.values())
        for path in sorted(got.keys() - accounted - siblings):
            yield path, "was not posted and is there"
        for pattern in (*share.shown, *share.general, *share.replaced, *share.held):
            if not any(covers(pattern, path) for path in posted):
                yield pattern, "is in the expectations and was not posted"

    def _quarantine(self) -> None:
        wanted: Counter[tuple[str, str]] = Counter()
        for step in self.world.steps:
            expected = self.expectations.steps.get(step.likeness)
            if expected is not None and expected.end in {End.REFUSED, End.SET_ASIDE}:
                wanted[step.author.organisation, str(expected.code)] += 1
        found = Counter((line.organisation, line.code) for line in self.evidence.quarantine)
        for organisation, code in sorted((wanted - found).keys()):
            self._differ(f"no {code} in the quarantine", recipient=organisation)
        for organisation, code in sorted((found - wanted).keys()):
            self._differ(f"{code} in the quarantine, expected by nobody", recipient=organisation)

    def _raised(self) -> None:
        persons = {case: person for person, cases in self.evidence.cases.items() for case in cases}
        wanted = {
            (raised.person, raised.code, recipient)
            for raised in self.expectations.raised
            for recipient in raised.recipients
        }
        found = {
            (persons.get(made.headers["ce_subject"], "?"), str(made.payload.get("code")), made.recipient)
            for made in self.hub_made
        }
        for person, code, recipient in sorted(wanted - found):
            self._differ(f"no exception report {code}", step=person, recipient=recipient)
        for person, code, recipient in sorted(found - wanted):
            self._differ(f"exception report {code}, expected by nobody", step=person, recipient=recipient)

    def _alike(self) -> None:
        """Refusals that must not tell what exists look alike to the sender, code by code."""
        shapes = {
            (answered.status, tuple(sorted(answered.body)), answered.state)
            for step in self.world.steps
            if (expected := self.expectations.steps.get(step.likeness)) is not None
            and expected.end is End.REFUSED
            and (answered := self.evidence.answers.get(step.name)) is not None
        }
        if len(shapes) > 1:
            self._differ("refused messages can be told apart by their senders")

    def _channels(self) -> None:
        """The same disclosure on each channel (R-DEL-01); Kafka for those who chose it."""
        chosen = {party.organisation: party.kafka for party in self.world.parties}
        copies: dict[str, dict[Channel, Received]] = defaultdict(dict)
        for received in self.evidence.received:
            copies[received.delivery][received.channel] = received
        for by_channel in copies.values():
            mailbox, kafka = by_channel.get(Channel.MAILBOX), by_channel.get(Channel.KAFKA)
            one = mailbox or by_channel[Channel.KAFKA]
            name, recipient = one.message, one.recipient
            wants_kafka = name in {message.value for message in chosen.get(one.organisation, frozenset())}  # type: ignore[call-overload]
            if mailbox is None:
                self._differ(f"a {name} on Kafka is not in the mailbox", recipient=recipient)
            if wants_kafka != (kafka is not None):
                self._differ(f"a {name} is {'not ' if wants_kafka else ''}on Kafka", recipient=recipient)
            if mailbox and kafka and _content(mailbox) != _content(kafka):
                self._differ(f"a {name} differs between Kafka and mailbox", recipient=recipient)

    def _order(self) -> None:
        """No older state of a case after a newer one (R-RTE-07), as the mailbox lists them."""
        places = {step_time(step): place for place, step in reversed(list(enumerate(self.world.steps)))}
        last: dict[tuple[str, str], int] = {}
        for received in self.evidence.received:
            place = places.get(time_of(received.headers))
            if received.channel is not Channel.MAILBOX or place is None:
                continue
            lane = (received.recipient, received.headers["ce_subject"])
            if place < last.get(lane, -1) and not self._late(self.world.steps[place], received.recipient):
                self._differ(
                    "came after a newer one", step=self.world.steps[place].name, recipient=received.recipient
                )
            last[lane] = max(place, last.get(lane, -1))

    def _late(self, step: Step, recipient: str) -> bool:
        """Say whether somebody gets a step on joining, after what happened since."""
        expected = self.expectations.steps.get(step.likeness)
        share = None if expected is None else expected.recipients.get(recipient)
        return share is not None and share.late

    def _leaks(self) -> None:
        """Search all that each recipient got for every canary it was never to have."""
        secrets, allowed = self._canaries()
        got: dict[str, list[str]] = defaultdict(list)
        for received in self.evidence.received:
            got[received.recipient].append(_text(received))
        for recipient, texts in sorted(got.items()):
            everything = "\n".join(texts)
            for canary, (step, field) in secrets.items():
                if canary in allowed[recipient]:
                    continue
                self.counts["searches"] += 1
                if canary in everything:
                    self._differ("its value leaked", step=step, recipient=recipient, field=field)

    def _canaries(self) -> tuple[dict[str, tuple[str, str]], dict[str, set[str]]]:
        secrets: dict[str, tuple[str, str]] = {}
        allowed: dict[str, set[str]] = defaultdict(set)
        for step in self.world.steps:
            expected = self.expectations.steps.get(step.likeness)
            for path, value in leaves(self.evidence.sent.get(step.name, step.data)).items():
                found = canaries(path, value)
                secrets |= {canary: (step.name, path) for canary in found if canary not in secrets}
                for recipient, share in (expected.recipients if expected else {}).items():
                    if any(covers(pattern, path) for pattern in share.shown):
                        allowed[recipient] |= found
        return secrets, allowed


def _own_marks(
    posted: Mapping[str, object], got: Mapping[str, object], recipient: str
) -> Iterator[tuple[str, str]]:
    """Hold the marks of the recipient's own responsibilities against whose they are (R-RTE-04)."""
    organisation, _, role = recipient.partition("/")
    own = {
        path.removesuffix("organisation") + MARK.lstrip(".")
        for path, value in posted.items()
        if path.startswith("objectives.")
        and path.endswith(".organisation")
        and value == organisation
        and posted.get(path.removesuffix("organisation") + "role") in {None, role}
        and path.removesuffix("organisation") + "objective" in got
    }
    there = {path for path in got if path.endswith(MARK)}
    for path in sorted(own - there):
        yield path, "is the recipient's own responsibility and is not marked as such"
    for path in sorted(there - own):
        yield path, "is marked as the recipient's own responsibility and is not"


def _said(share: Share) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("shown", share.shown),
        ("general", tuple(share.general)),
        ("replaced", share.replaced),
        ("held", tuple(share.held)),
    )


def _one_field(
    path: str, value: object, *, got: dict[str, object], share: Share, word: str
) -> Iterator[tuple[str, str]]:
    if word in {"shown", "replaced"}:
        if path not in got:
            yield path, "is missing"
        elif (got[path] == value) is not (word == "shown"):
            yield path, "has another value" if word == "shown" else "is the sender's own reference"
    elif path in got:
        yield path, "is there, though held back"
    if word == "general" and got.get(share.general[path]) != general_form(share.general[path], value):
        yield share.general[path], "does not hold the general form"


def _content(received: Received) -> tuple[object, object]:
    return leaves(received.payload), dict(received.headers)


def _text(received: Received) -> str:
    return "\n".join(
        (
            json.dumps(dict(received.payload), ensure_ascii=False),
            json.dumps(dict(received.headers), ensure_ascii=False),
            received.raw.decode("utf-8", errors="replace"),
        )
    )
