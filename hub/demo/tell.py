"""Tells the day on the terminal: who received what, which fields were held back, and why.

Chapters are played at the same time and told one after the other. 100 columns are enough; without a
terminal there is no colour.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hub.cases.refusals import TELLABLE
from hub.consent.parties import Kind
from hub.demo.check_ledger import CONSENT
from hub.demo.day import Door
from hub.demo.expectations import End
from hub.demo.leaves import in_contract, leaves, step_time, time_of
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hub.demo.check import Checked
    from hub.demo.day import Step
    from hub.demo.evidence import Answered, Judgement, Received, Why
    from hub.demo.expectations import Expectations
    from hub.demo.people import Person
    from hub.demo.world import World

COLUMNS = 100
SETTING_UP = ("opened/", "appointed/", "reception/")
"""Likenesses that are told in one line together, so that the story starts quickly."""
WIDTH_RECIPIENT = 44
DIFFERENCES_SHOWN_MAX = 40


def make_console() -> Console:
    """Return a console of 100 columns at most; colour and live output only where a terminal is."""
    console = Console(highlight=False, soft_wrap=False)
    console.width = min(console.width, COLUMNS) if console.is_terminal else COLUMNS
    return console


class Teller:
    """Prints the story, chapter by chapter."""

    def __init__(self, console: Console, world: World, expectations: Expectations) -> None:
        """Prepare to tell this world's day."""
        self.console, self.world, self.expectations = console, world, expectations
        self.names = {party.organisation: party.name for party in world.parties}
        self.kinds = {str(party.organisation): party.kind for party in world.parties}
        self._explained: set[str] = set()
        """Reasons whose words this chapter has already given: rules that share a code have each their own."""

    def cast(self) -> None:
        """Introduce the organisations and the people, all invented."""
        parties = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for party in self.world.parties:
            status = f"rung {party.rung} · {party.legal_status.value.replace('_', ' ')}"
            parties.add_row(Text(party.name, style="bold"), party.kind.value, Text(status, style="dim"))
        people = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for person in self.world.people:
            people.add_row(
                Text(person.name, style="bold"), f"tier {person.tier}", Text(person.about, style="dim")
            )
        self.console.print(Rule(Text("Who takes part", style="bold"), align="left", style="dim"))
        self.console.print(Padding.indent(parties, 2))
        self.console.print(Padding.indent(people, 2))

    @contextmanager
    def waiting(self) -> Iterator[Callable[[Step], None]]:
        """Show that the day is being played; on a terminal, how far it has come."""
        total, done = len(self.world.steps), 0
        says = f"The day is played, all chapters at the same time: {total} messages."
        if not self.console.is_terminal:
            self._line(Text(says, style="dim"))
            yield lambda _step: None
            self.console.print()
            return
        with self.console.status(Text(says)) as status:

            def one_more(step: Step) -> None:
                nonlocal done
                done += 1
                status.update(Text(f"{done:>3} of {total}  {step.tale}"))

            yield one_more

    def chapter(self, number: int, person: Person, *, answers: Mapping[str, Answered], story: Story) -> None:
        """Tell one person's chapter, whole."""
        title = Text.assemble(
            (f"{number}  {person.name}", "bold"), (f"  tier {person.tier}, {person.about}", "dim")
        )
        self.console.print(Rule(title, align="left", style="dim"))
        self._explained.clear()
        steps = self.world.chapter(person)
        first = [step for step in steps if step.likeness.startswith(SETTING_UP)]
        made = sum(len(story.recipients(step)) for step in first)
        place = "" if person.prison is None else f", in {self.names[person.prison]}"  # type: ignore[index]
        amount = f"{len(first)} messages, {made} deliveries"
        self._line(Text(f"The case is opened and its team appointed{place}: {amount}.", style="dim"))
        for step in steps:
            if step not in first:
                self._step(step, answers.get(step.name), story)
        self.console.print()

    def _line(self, line: Text | Table, *, indent: int = 2) -> None:
        self.console.print(Padding.indent(line, indent))

    def _step(self, step: Step, answered: Answered | None, story: Story) -> None:
        self._line(Text.assemble((f"{step_time(step)[11:16]}  ", "cyan"), (step.tale, "bold")))
        door = "Kafka" if step.door is Door.KAFKA else "HTTP"
        sender = f"{self.names[step.author.organisation]}, {step.message.value} by {door}: "
        self._line(Text.assemble((sender, "dim"), self._end(step, answered)), indent=9)
        told: dict[tuple[object, ...], str] = {}
        for recipient, copies in story.recipients(step).items():
            self._recipient(step, recipient, copies, story, told=told)
        for why, recipients in story.left_out(step).items():
            everybody = ", ".join(_who(recipient).plain for recipient in recipients)
            self._line(_hanging("nothing", Text(everybody), self._explain(why)), indent=9)

    def _end(self, step: Step, answered: Answered | None) -> Text:
        expected = self.expectations.steps.get(step.likeness)
        status = "" if answered is None or answered.status is None else f"{answered.status} "
        if expected is None or answered is None:
            return Text(status)
        code = expected.code or ""
        reader = "its sender reads why" if code in TELLABLE else "only staff can read why"
        said = {
            End.ROUTED: ("taken", "green"),
            End.REFUSED: (f"taken in, then refused; {reader}: {code}", "red"),
            End.AT_THE_DOOR: (f"refused at the door: {code}", "red"),
            End.SET_ASIDE: (f"set aside in the quarantine: {code}", "red"),
            End.REPEATED: ("known already, nothing sent again", "yellow"),
        }[expected.end]
        return Text(status + said[0], style=said[1])

    def _explain(self, why: Why | None) -> Text:
        """Give a reason's code, and its words the first time it comes up in a chapter."""
        if why is None:
            return Text()
        new = str(why) not in self._explained
        self._explained.add(str(why))
        return Text(str(why) if new else why.code, style="dim")

    def _when(self, step: Step, recipient: str) -> str:
        """Say so where somebody got it on joining, later than the others."""
        expected = self.expectations.steps.get(step.likeness)
        share = None if expected is None else expected.recipients.get(recipient)
        if share is None or not share.late:
            return ""
        return " on joining" if share.joined is not None else " and on joining"

    def _recipient(
        self,
        step: Step,
        recipient: str,
        copies: Sequence[Received],
        story: Story,
        *,
        told: dict[tuple[object, ...], str],
    ) -> None:
        posted, got = leaves(step.data), leaves(copies[0].payload)
        stand_ins = sorted(got.keys() - posted.keys())
        absent = [path for path in posted if path not in got]
        general = [path for path in absent if path in story.general(copies[0])]
        line = Text.assemble(("● ", "green"), _who(recipient))
        line.pad_right(max(1, WIDTH_RECIPIENT - len(line)))
        count = f"{len(posted) - len(absent)} of {len(posted)} fields"
        line.append(f"{count:<17}", style="default" if absent else "green")
        line.append(" + ".join(sorted({copy.channel.value for copy in copies})), style="dim")
        line.append(self._when(step, recipient), style="cyan")
        self._line(line, indent=9)
        if step.message is MessageName.RISK_CHANGE and self.kinds[copies[0].organisation] is Kind.PARTNER:
            bases = story.bases(copies[0])
            asked = "" if CONSENT in bases else "no consent is asked"
            self._line(_hanging("goes by", Text(", ".join(bases)), Text(asked, style="dim")), indent=11)
        if general:
            only = Text(f"only as {', '.join(stand_ins)}", style="dim")
            self._line(_hanging("in general", Text(", ".join(general)), only), indent=11)
        kept = [path for path in absent if path not in general]
        reasons = story.reasons(copies[0], kept)
        alike = tuple((why, *paths) for why, paths in reasons.items())
        if alike and (first := told.setdefault(alike, recipient)) != recipient:
            self._line(_hanging("held back", Text("the same as from "), _who(first)), indent=11)
            return
        for why, paths in reasons.items():
            self._line(_hanging("held back", Text(_brief(paths)), self._explain(why)), indent=11)


class Story:
    """What arrived and what the ledger says of it, sorted by step."""

    def __init__(self, world: World, received: Iterable[Received], judgements: Iterable[Judgement]) -> None:
        """Sort everything once."""
        names = {step_time(step): step.name for step in reversed(world.steps)}
        self._got: dict[str, dict[str, list[Received]]] = defaultdict(lambda: defaultdict(list))
        deliveries: dict[str, str] = {}
        for one in received:
            name = names.get(time_of(one.headers), "")
            self._got[name][one.recipient].append(one)
            deliveries[one.delivery] = name
        judgements = tuple(judgements)
        self._why = {one.delivery: one.fields for one in judgements if one.delivery is not None}
        self._general = {one.delivery: one.general for one in judgements if one.delivery is not None}
        self._bases = {
            one.delivery: sorted({ground.basis for ground in one.grounds if ground.basis})
            for one in judgements
            if one.delivery is not None
        }
        steps = {one.message: deliveries[one.delivery] for one in judgements if one.delivery in deliveries}
        self._out: dict[str, dict[str, Why]] = defaultdict(dict)
        for judged in judgements:
            if judged.gate is not None and judged.message in steps:
                self._out[steps[judged.message]][judged.recipient] = judged.gate

    def recipients(self, step: Step) -> Mapping[str, Sequence[Received]]:
        """Return who received something of this step, and the copies by channel."""
        return dict(sorted(self._got[step.name].items())) if step.name in self._got else {}

    def left_out(self, step: Step) -> Mapping[Why, Sequence[str]]:
        """Return who was considered and got nothing, put together by the ledger's reason."""
        grouped: dict[Why, list[str]] = defaultdict(list)
        got = self.recipients(step)
        for recipient, why in sorted(self._out.get(step.name, {}).items()):
            # What was decided again may end with nothing, for somebody who had got it before.
            if recipient not in got:
                grouped[why].append(recipient)
        return grouped

    def bases(self, received: Received) -> Sequence[str]:
        """Return the legal bases on which the fields of a delivery went."""
        return self._bases.get(received.delivery, ())

    def general(self, received: Received) -> frozenset[str]:
        """Return the fields that went in their general form only."""
        return self._general.get(received.delivery, frozenset())

    def reasons(self, received: Received, kept: Sequence[str]) -> Mapping[Why | None, list[str]]:
        """Return the fields held back, put together by the ledger's reason."""
        why = self._why.get(received.delivery, {})
        grouped: dict[Why | None, list[str]] = defaultdict(list)
        for path in kept:
            grouped[why.get(path) or why.get(in_contract(path))].append(path)
        return grouped


def _hanging(label: str, what: Text, why: Text) -> Table:
    """Return a line whose further lines stay under its text."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="yellow", no_wrap=True)
    grid.add_column()
    what.append("  ")
    grid.add_row(label, what.append_text(why))
    return grid


def _brief(paths: Sequence[str]) -> str:
    """Name fields; those of one list item together."""
    items: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        head, _, leaf = path.rpartition(".")
        items[head].append(leaf)
    return ", ".join(
        name if not head else f"{head} ({len(leaves_)} fields)" if len(leaves_) > 1 else f"{head}.{name}"
        for head, leaves_ in items.items()
        for name in (leaves_ if not head else leaves_[:1])
    )


def summarise(console: Console, checked: Checked, *, seconds: float) -> None:
    """Print what was checked, and every difference."""
    title = Text("Checked, from what recipients really received", style="bold")
    console.print(Rule(title, align="left", style="dim"))
    counts = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for number, what in (
        (checked.steps, "messages sent, each with the end that was expected"),
        (checked.deliveries, "deliveries, read back from mailboxes and from Kafka; none besides"),
        (checked.shown, "fields there, with the value that was sent"),
        (checked.general, "fields in their general form only: a month, a year, the end of a number"),
        (checked.held, "fields held back"),
        (checked.searches, "searches for held-back values in all that a recipient got"),
        (checked.ledger, "ledger records: everybody decided on, each field that went on a legal basis"),
    ):
        counts.add_row(Text(f"{number:>6,}", style="bold"), what)
    console.print(Padding.indent(counts, 2))
    lines = [Text("Every line of the story holds.", style="bold green")]
    if not checked.holds:
        lines = [Text(f"{len(checked.differences)} line(s) of the story do not hold:", style="bold red")]
    lines += [
        Text(f"✗ {difference}", style="red") for difference in checked.differences[:DIFFERENCES_SHOWN_MAX]
    ]
    if (unseen := len(checked.differences) - DIFFERENCES_SHOWN_MAX) > 0:
        lines.append(Text(f"… and {unseen} more", style="red"))
    lines.append(Text(f"{seconds:.1f} s from the command to here.", style="bold"))
    for line in lines:
        console.print(Padding.indent(line, 2))


def _who(recipient: str) -> Text:
    organisation, _, role = recipient.partition("/")
    return Text.assemble(organisation, ("  " + role.replace("_", " ").title(), "dim"))
