"""The matrix as one page for a browser or a printer: who gets what by default, by class, field and purpose.

Self-contained: no script, no font, no image. Every outcome is a letter as well as a colour, so that it reads
in black and white; every table has a caption and every heading a scope, so that it reads aloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from hub.consent.compile import Policy
from hub.consent.decision import Outcome
from hub.consent.matrix import RUNG_SAID, RUNGS_IN_WORDS, Cell, cells, columns
from hub.consent.matrix_style import CSS
from hub.consent.parties import Purpose
from hub.consent.prove import OTHER_FIELD
from hub.consent.rules_page import EVERYWHERE, GATES, sections, sentences
from hub.consent.sentences import ROLES, class_in_words, gateway_of
from hub.consent.vocabulary import BASES
from hub.messages.envelope import InformationClass, Role

LETTERS: Mapping[Outcome, str] = {
    Outcome.DISCLOSE: "D",
    Outcome.GENERALISE: "G",
    Outcome.REDACT: "R",
    Outcome.WITHHOLD: "W",
}
WORDS: Mapping[Outcome, str] = {
    Outcome.DISCLOSE: "disclosed",
    Outcome.GENERALISE: "disclosed in general form only: a month, a band, a district",
    Outcome.REDACT: "not disclosed, and named to the recipient as held back",
    Outcome.WITHHOLD: "withheld, and nothing tells that there was anything",
}
MARKS: Mapping[str, str] = {"consent": "c", "protocol": "p", "public protection": "s"}
_CHANGES: Mapping[str, str] = {
    "consent": "with the person's consent",
    "protocol": "under a live protocol for the class",
    "public protection": "for public protection: very high risk of serious harm, MAPPA level 2",
}
_BY_DEFAULT = (
    "By default means: on the team or with an open referral, about their own work, registered for the "
    "purpose, nothing held back, risk of serious harm medium, not under MAPPA, no consent, protocol, order "
    "of a court or override."
)
_FIELD = "Field"
_RUNGS = (
    f"A role's columns are its rungs of the brokerage ladder: {RUNGS_IN_WORDS}. Whoever is no partner "
    "organisation is in house, on rung 1."
)
_OVERVIEW = (
    "The most that goes of each class, for any purpose. A small letter with a count: so many of the fields "
    "that rules name, all others counted as one; then the colour is paler."
)
EVERY_PURPOSE = "every purpose"
Column = tuple[Role, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What everybody gets of one field for some purposes that are alike."""

    purposes: tuple[Purpose, ...]
    cells: tuple[Cell, ...]


@dataclass(slots=True)
class _Gathered:
    """The cells of one class: by field, then purpose, in the order of the columns."""

    fields: dict[str, dict[Purpose, list[Cell]]] = field(default_factory=dict)

    def rows(self, name: str) -> Iterator[Row]:
        """Yield the rows of a field; purposes for which all is withheld, whatever changes, have none."""
        alike: dict[tuple[object, ...], list[Purpose]] = {}
        for purpose, found in self.fields[name].items():
            key = tuple((cell.outcome, tuple(cell.changes.items())) for cell in found)
            alike.setdefault(key, []).append(purpose)
        for purposes in alike.values():
            found = self.fields[name][purposes[0]]
            if any(cell.outcome is not Outcome.WITHHOLD or cell.changes for cell in found):
                yield Row(purposes=tuple(purposes), cells=tuple(found))

    def best(self, column: int) -> tuple[list[Outcome], dict[str, Outcome]]:
        """Return the best outcome of each field over all purposes, and what each change would make of it."""
        found = [
            min(own[column].outcome for own in by_purpose.values()) for by_purpose in self.fields.values()
        ]
        changed: dict[str, Outcome] = {}
        for by_purpose, most in zip(self.fields.values(), found, strict=True):
            for own in by_purpose.values():
                for name, outcome in own[column].changes.items():
                    if outcome < most:
                        changed[name] = min(outcome, changed.get(name, outcome))
        return found, changed


def matrix_page(policy: Policy) -> str:
    """Return the whole page, in HTML."""
    heads = tuple(columns())
    gathered = _gather(cells(policy))
    parts = [
        _head(policy),
        *_introduction(policy),
        *_overview(gathered, heads),
        *_proved(policy),
        *(part for name, own in gathered.items() for part in _class(policy, name, own, heads)),
        *_others(policy),
        *_bases(),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _gather(found: Iterable[Cell]) -> dict[InformationClass, _Gathered]:
    """Sort the cells by class, field and purpose."""
    gathered: dict[InformationClass, _Gathered] = {}
    for cell in found:
        own = gathered.setdefault(cell.information_class, _Gathered())
        own.fields.setdefault(cell.field, {}).setdefault(cell.purpose, []).append(cell)
    return gathered


def _head(policy: Policy) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Who may know what: policy {escape(policy.name)}</title>\n<style>\n{CSS}</style>\n</head>\n"
        '<body>\n<a class="skip" href="#main">Skip to the overview</a>'
    )


def _introduction(policy: Policy) -> Iterator[str]:
    """Yield the title, what “by default” means, and the key to letters and colours."""
    yield "<header>\n<h1>Who may know what</h1>"
    yield f"<p>Policy {escape(policy.version)}, digest <code>{policy.digest}</code>.</p>"
    yield f"<p>{_BY_DEFAULT}</p>"
    yield '<nav aria-label="Information classes">\n<ul class="links">'
    yield from (f'<li><a href="#{name}">{_titled(name)}</a></li>' for name in InformationClass)
    yield '<li><a href="#others">Gates and rules for every class</a></li>'
    yield '<li><a href="#bases">Legal bases</a></li>\n</ul>\n</nav>\n</header>\n<main id="main">'
    yield '<h2>Key</h2>\n<dl class="key">'
    for outcome, letter in LETTERS.items():
        yield f'<dt class="{letter.lower()}">{letter}</dt><dd>{WORDS[outcome]}</dd>'
    for name, mark in MARKS.items():
        yield f"<dt>{mark}→</dt><dd>what it would be {escape(_CHANGES[name])}</dd>"
    yield "</dl>"
    yield f"<p>{_RUNGS}</p>"


def _overview(gathered: Mapping[InformationClass, _Gathered], heads: Sequence[Column]) -> Iterator[str]:
    """Yield the table of classes: the most any of its fields gets, for any purpose."""
    yield '<h2 id="overview">Overview</h2>'
    yield from _opened(
        "overview-table",
        _OVERVIEW,
        ("Class",),
        heads,
    )
    for name, own in gathered.items():
        yield f'<tbody>\n<tr><th scope="row"><a href="#{name}">{_titled(name)}</a></th>'
        yield "".join(_overview_cell(own, column) for column in range(len(heads))) + "</tr>\n</tbody>"
    yield "</table>\n</div>"


def _overview_cell(own: _Gathered, column: int) -> str:
    found, changed = own.best(column)
    most = min(found)
    letter = LETTERS[most]
    shade, text = letter.lower(), letter
    if most is not Outcome.WITHHOLD and len(set(found)) > 1:
        shade, text = f"{shade} some", f"{shade} <small>{found.count(most)}/{len(found)}</small>"
    return f'<td class="{shade}">{text}{_changed(changed)}</td>'


def _proved(policy: Policy) -> Iterator[str]:
    """Yield what is proved of these rules each time they are loaded."""
    yield "<h2>Proved of these rules</h2>"
    yield f"<p>In every one of {policy.proof.states:,} states, each time the rules are loaded:</p>\n<ul>"
    yield from (f"<li>{escape(name.replace('-', ' '))}</li>" for name in policy.proof.invariants)
    yield "</ul>"


def _class(policy: Policy, name: InformationClass, own: _Gathered, heads: Sequence[Column]) -> Iterator[str]:
    """Yield one class: its table by field and purpose, and its rules in sentences."""
    yield f'<section aria-labelledby="{name}">\n<h2 id="{name}">{_titled(name)}</h2>'
    yield _about(policy, str(name))
    yield from _opened(
        f"table-{name}",
        f"{_titled(name)}: what goes by default. For purposes not listed it is withheld.",
        (_FIELD, "Purpose"),
        heads,
    )
    for entry in own.fields:
        yield "<tbody>"
        yield from _field(entry, tuple(own.rows(entry)), len(heads))
        yield "</tbody>"
    yield "</table>\n</div>"
    yield from _rules(policy, str(name))
    yield "</section>"


def _field(entry: str, rows: Sequence[Row], width: int) -> Iterator[str]:
    """Yield the rows of one field."""
    label = escape(entry) if entry == OTHER_FIELD else f"<code>{escape(entry)}</code>"
    if not rows:
        withheld = '<td class="w">W</td>' * width
        yield (
            f'<tr><th scope="row" class="field">{label}</th>'
            f'<th scope="row" class="purpose">{EVERY_PURPOSE}</th>{withheld}</tr>'
        )
    for number, row in enumerate(rows):
        span = f' rowspan="{len(rows)}"' if len(rows) > 1 else ""
        scope = "rowgroup" if len(rows) > 1 else "row"
        head = "" if number else f'<th scope="{scope}" class="field"{span}>{label}</th>'
        named = (
            EVERY_PURPOSE
            if len(row.purposes) == len(Purpose)
            else ", ".join(purpose.replace("_", " ") for purpose in row.purposes)
        )
        told = "".join(_cell(cell) for cell in row.cells)
        yield f'<tr>{head}<th scope="row" class="purpose">{named}</th>{told}</tr>'


def _cell(cell: Cell) -> str:
    letter = LETTERS[cell.outcome]
    return f'<td class="{letter.lower()}">{letter}{_changed(cell.changes)}</td>'


def _changed(changes: Mapping[str, Outcome]) -> str:
    """Say what would change an outcome, those alike together: `cp→D`."""
    alike: dict[Outcome, str] = {}
    for name, outcome in changes.items():
        alike[outcome] = alike.get(outcome, "") + MARKS[name]
    return "".join(f" <small>{marks}→{LETTERS[outcome]}</small>" for outcome, marks in alike.items())


def _opened(table: str, caption: str, heads: Sequence[str], groups: Sequence[Column]) -> Iterator[str]:
    """Yield a table as far as its headings: roles, and under each its rungs."""
    yield f'<div class="scroll" role="region" aria-labelledby="{table}-caption" tabindex="0">'
    yield f'<table id="{table}">'
    yield f'<caption id="{table}-caption"><span>{escape(caption)}</span></caption>\n<thead>\n<tr>'
    for head in heads:
        own = ' class="field"' if head == _FIELD else ""
        yield f'<th scope="col" rowspan="2"{own}>{head}</th>'
    rungs: dict[Role, list[int]] = {}
    for role, rung in groups:
        rungs.setdefault(role, []).append(rung)
    for role, numbers in rungs.items():
        yield f'<th scope="colgroup" colspan="{len(numbers)}">{ROLES[role][0].upper()}{ROLES[role][1:]}</th>'
    yield (
        "</tr>\n<tr>"
        + "".join(f'<th scope="col">{_rung(rung)}</th>' for _, rung in groups)
        + "</tr>\n</thead>"
    )


def _rung(rung: int) -> str:
    """Say a column's rung; what it stands for is in the key, and shown where one points at it."""
    return f'<abbr title="{escape(RUNG_SAID[rung])}">rung {rung}</abbr>'


def _others(policy: Policy) -> Iterator[str]:
    """Yield the gates and the rules that stand for several classes."""
    yield '<section aria-labelledby="others">\n<h2 id="others">Gates and rules for every class</h2>'
    yield _about(policy, "gates")
    for title in (GATES, EVERYWHERE):
        yield from _rules(policy, title)
    yield "</section>"


def _rules(policy: Policy, title: str) -> Iterator[str]:
    """Yield the rules of a section as sentences."""
    said = sentences(policy)
    yield f"<h3>{'Rules' if title in set(InformationClass) else title}</h3>\n<ul>"
    for rule in sections(policy)[title]:
        yield f"<li><code>{escape(rule.rule)}</code> {escape(said[rule.rule].text)}</li>"
    yield "</ul>"


def _about(policy: Policy, document: str) -> str:
    """Say what a file says of itself and who answers for it."""
    body = policy.documents.get(document)
    if not isinstance(body, Mapping):
        return ""
    told = " ".join(str(body.get("about", "")).split())
    return (
        f"<p>{escape(told)}</p>\n<p>Owner: {escape(str(body.get('owner', '')))}. "
        f"To be reviewed by {escape(str(body.get('review_by', '')))}.</p>"
    )


def _bases() -> Iterator[str]:
    """Yield the table of legal bases."""
    yield '<section aria-labelledby="bases">\n<h2 id="bases">Legal bases</h2>\n<table>'
    yield "<caption>Narrowest first; a permit holds on a basis only where it is open.</caption>\n<thead>"
    yield '<tr><th scope="col">Code</th><th scope="col">What it is</th><th scope="col">Open where</th></tr>'
    yield "</thead>\n<tbody>"
    for basis in BASES:
        yield (
            f'<tr><th scope="row">{basis.code}</th><td>{escape(basis.says)}</td>'
            f"<td>{escape(gateway_of(basis.code))}</td></tr>"
        )
    yield "</tbody>\n</table>\n</section>"


def _titled(name: str) -> str:
    return class_in_words(name).capitalize()
