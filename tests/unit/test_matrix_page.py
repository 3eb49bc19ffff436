"""The matrix as a page: it says what the cells say, and reads aloud, in print and without colour."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.cli.policy.options import compiled
from hub.consent.decision import Outcome
from hub.consent.matrix import RUNG_SAID, cells, columns
from hub.consent.matrix_page import EVERY_PURPOSE, LETTERS, MARKS, matrix_page
from hub.consent.matrix_style import CSS
from hub.consent.parties import Purpose
from hub.consent.rules_page import sentences
from hub.errors import NotConfigured
from hub.messages.envelope import InformationClass
from tests.unit.consent_cases import POLICY

if TYPE_CHECKING:
    from pathlib import Path

VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})
COLUMNS = tuple(columns())
CONTRAST_MIN = 4.5
OUTCOMES = {letter: outcome for outcome, letter in LETTERS.items()}
CHANGES = {mark: name for name, mark in MARKS.items()}


@dataclass
class Page(HTMLParser):
    """The page as a browser reads it: what is open, every element with its attributes, tables by id."""

    tables: dict[str, list[list[tuple[str, dict[str, str], str]]]] = field(default_factory=dict)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    captions: int = 0
    text: str = ""

    def __post_init__(self) -> None:
        """Begin with nothing open."""
        super().__init__()
        self.open: list[str] = []
        self.table = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element; begin a table, a row, a cell."""
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.table = found.get("id", f"table {len(self.tables)}")
            self.tables[self.table] = []
        elif tag == "caption":
            self.captions += 1
        elif tag == "tr":
            self.tables[self.table].append([])
        elif tag in {"td", "th"}:
            self.tables[self.table][-1].append((tag, found, ""))

    def handle_endtag(self, tag: str) -> None:
        """Close what is open, and nothing else."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Add text to the page, and to its cell."""
        self.text += data
        if "td" in self.open or "th" in self.open:
            tag, found, said = self.tables[self.table][-1].pop()
            self.tables[self.table][-1].append((tag, found, said + data))


@cache
def page() -> Page:
    """Return the page of the rules that come with the hub, read."""
    found = Page()
    found.feed(matrix_page(POLICY))
    found.close()
    return found


def colours() -> dict[str, tuple[str, str]]:
    """Return each rule of the style that sets text on a ground: selector, both colours."""
    found = {}
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", CSS):
        text = re.search(r"(?<![-\w])color: (#[0-9a-f]{6})", body)
        ground = re.search(r"background: (#[0-9a-f]{6})", body)
        assert (text is None) == (ground is None), f"{selector}: text and ground are set together"
        if text is not None and ground is not None:
            found[selector.strip()] = (text[1], ground[1])
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def read_cell(said: str) -> tuple[Outcome, dict[str, Outcome]]:
    """Read a cell: its letter, then what would change it."""
    letter, *changed = said.split()
    return OUTCOMES[letter], {
        CHANGES[mark]: OUTCOMES[becomes]
        for each in changed
        for marks, _, becomes in (each.partition("→"),)
        for mark in marks
    }


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize("information_class", InformationClass)
def test_page_says_every_cell_of_the_matrix(information_class: InformationClass) -> None:
    """Field, role, rung and purpose: outcome and what would change it; purposes not listed are withheld."""
    shown: dict[tuple[str, str, int], tuple[Outcome, dict[str, Outcome]]] = {}
    entry = ""
    for row in page().tables[f"table-{information_class}"][2:]:
        heads = [said for tag, _, said in row if tag == "th"]
        entry = heads[0] if len(heads) == 2 else entry
        purposes = list(Purpose) if heads[-1] == EVERY_PURPOSE else heads[-1].split(", ")
        for purpose in purposes:
            for column, said in enumerate(said for tag, _, said in row if tag == "td"):
                shown[entry, str(purpose).replace(" ", "_"), column] = read_cell(said)

    seen = 0
    for cell in cells(POLICY, classes=(information_class,)):
        place = (cell.field, str(cell.purpose), COLUMNS.index((cell.role, cell.rung)))
        found = shown.pop(place, (Outcome.WITHHOLD, {}))
        assert found == (cell.outcome, dict(cell.changes)), place
        seen += 1
    assert not shown
    assert seen % (len(COLUMNS) * len(Purpose)) == 0


@pytest.mark.requirement("R-DIS-08")
def test_overview_says_the_most_that_goes_of_a_class() -> None:
    """To each role on each rung; a victim's data to no Key Worker on any."""
    rows = {row[0][2]: [said for _, _, said in row[1:]] for row in page().tables["overview-table"][2:]}

    assert len(rows) == len(InformationClass)
    for information_class in InformationClass:
        best: dict[int, int] = {}
        for cell in cells(POLICY, classes=(information_class,)):
            column = COLUMNS.index((cell.role, cell.rung))
            best[column] = min(best.get(column, Outcome.WITHHOLD), cell.outcome)
        said = rows[information_class.replace("_", " ").capitalize()]
        assert [each[0].upper() for each in said] == [LETTERS[Outcome(best[n])] for n in range(len(COLUMNS))]
    key_worker = [n for n, (role, _) in enumerate(COLUMNS) if role == "key_worker"]
    assert [rows["Victim"][n] for n in key_worker] == ["W"] * 4


@pytest.mark.requirement("R-DIS-08")
def test_page_says_every_rule_as_a_sentence() -> None:
    """Also the gates and those of every class."""
    for rule_id, said in sentences(POLICY).items():
        assert f"{rule_id} {said.text}" in page().text


@pytest.mark.requirement("R-DIS-08")
def test_page_is_well_formed_and_stands_alone() -> None:
    """Every element is closed, every link leads somewhere on the page, nothing is fetched, nothing runs."""
    found = page()
    assert found.open == []
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for _, attributes in found.elements if "href" in attributes]
    assert links
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    labels = [
        attributes["aria-labelledby"] for _, attributes in found.elements if "aria-labelledby" in attributes
    ]
    assert set(labels) <= set(ids)
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in found.elements}
    assert not any(
        name in {"src", "style"} or name.startswith("on") for _, own in found.elements for name in own
    )
    assert "url(" not in CSS
    assert "@import" not in CSS


@pytest.mark.requirement("R-DIS-08")
def test_page_reads_aloud() -> None:
    """Language, title, headings in order, a caption for every table, a scope for every heading."""
    found = page()
    assert ("html", {"lang": "en-GB"}) in found.elements
    assert POLICY.name in found.text.partition("Skip")[0]
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert found.captions == len(found.tables)
    heads = [attributes for tag, attributes in found.elements if tag == "th"]
    assert {head["scope"] for head in heads} == {"col", "colgroup", "row", "rowgroup"}
    for name, rows in found.tables.items():
        for row in rows if name.startswith(("table-", "overview")) else ():
            told = [attributes for tag, attributes, _ in row if tag == "td"]
            assert len(told) in {0, len(COLUMNS)}, name


@pytest.mark.requirement("R-DIS-08")
def test_text_has_contrast_on_every_ground() -> None:
    """At least 4.5 to 1 (WCAG 2.2, 1.4.3), and each outcome has a colour of its own and a letter besides."""
    found = colours()
    for selector, pair in found.items():
        lighter, darker = sorted(map(luminance, pair), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= CONTRAST_MIN, selector
    grounds = [found[f".{letter.lower()}"][1] for letter in LETTERS.values()]
    assert len(set(grounds)) == len(LETTERS) == len(set(LETTERS.values()))


@pytest.mark.requirement("R-DIS-08")
def test_headings_stay_in_view_and_cover_nothing_when_a_table_is_scrolled() -> None:
    """Caption, both rows of headings and the field stay; a purpose never comes to lie over the field."""
    html = matrix_page(POLICY)
    assert html.count("<caption id=") == len(
        re.findall(r"<caption id=[^>]*><span>[^<]*</span></caption>", html)
    )
    on_screen = CSS.partition("@media print")[0]
    staying = [head for head, body in re.findall(r"([^{}]+)\{([^{}]*)\}", on_screen) if "sticky" in body]
    assert {"caption span", "thead"} <= {head.strip() for head in staying}
    assert not any("th:first-child" in head and "tbody" in head and "purpose" not in head for head in staying)
    in_print = CSS.partition("@media print")[2]
    for head in staying:
        assert head.strip().rpartition("\n")[2].strip() in " ".join(in_print.split()), head
    for row in (row for name, rows in page().tables.items() if name.startswith("table-") for row in rows[2:]):
        heads = [found.get("class") for tag, found, _ in row if tag == "th"]
        assert heads in (["field", "purpose"], ["purpose"])


@pytest.mark.requirement("R-DIS-08")
def test_page_prints() -> None:
    """Without scroll boxes, with the headings of a table on each sheet, and its colours kept."""
    in_print = CSS.partition("@media print")[2]
    for line in (
        "overflow: visible",
        "display: table-header-group",
        "print-color-adjust: exact",
        "position: static",
    ):
        assert line in in_print


@pytest.mark.requirement("R-DIS-08")
def test_policy_owner_writes_the_page_to_a_file(tmp_path: Path) -> None:
    """The command says where it is; a file that cannot be written is refused with a way to mend it."""
    file = tmp_path / "matrix.html"
    said = CliRunner().invoke(app, ["matrix", "--html", str(file)], catch_exceptions=False).output

    assert file.read_text(encoding="utf-8") == matrix_page(compiled(None, None))
    assert str(file) in said
    with pytest.raises(NotConfigured, match="cannot be written"):
        CliRunner().invoke(app, ["matrix", "--html", str(tmp_path / "no" / "x.html")], catch_exceptions=False)


@pytest.mark.requirement("R-DIS-09")
def test_a_column_says_that_its_number_is_a_rung_and_which() -> None:
    """In each table and for each role, not only in the key above."""
    page = matrix_page(POLICY)
    assert '<th scope="col">1</th>' not in page
    rungs = re.findall(r'<th scope="col"><abbr title="([^"]+)">rung (\d)</abbr></th>', page)
    assert {int(rung): said for said, rung in rungs} == RUNG_SAID
    assert len(rungs) == len([*columns()]) * (1 + len(InformationClass))
