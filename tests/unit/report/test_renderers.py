"""Markdown, HTML and PDF hold the same report, and no text from data is markup in any of them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pypdf import PdfReader
from pypdf.generic import Destination

from app.analysis.charts.style import clean
from app.analysis.report.document import Document, Paragraph, Table
from app.analysis.report.fonts import UNSHOWN, shown
from app.analysis.report.html import render_html
from app.analysis.report.markdown import escape, render_markdown
from app.analysis.report.pdf import render_pdf
from tests.unit.report import runs

OWN_TAGS = frozenset(
    re.findall(
        r"\w+",
        "a body code dd div dl dt figcaption figure h1 h2 h3 head header html img li main meta nav ol p "
        "pre span strong style table tbody td th thead title tr ul",
    )
)
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


class Tags(HTMLParser):
    """Collects every tag, address and handler of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "srcset", "style"):
                self.addresses.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def tags_of(page: str) -> Tags:
    parser = Tags()
    parser.feed(page)
    return parser


def pages_of(path: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(path).pages]


def outline_of(path: Path) -> list[str]:
    """Titles of the first level of the PDF's bookmarks."""
    return [str(e.title) for e in PdfReader(path).outline if isinstance(e, Destination)]


def test_an_ordinary_run_gives_three_files(tmp_path: Path) -> None:
    sizes = runs.ordinary(tmp_path).render()
    assert set(sizes) == {"report.md", "report.html", "report.pdf"}
    for name, size in sizes.items():
        assert (tmp_path / name).stat().st_size == size > 1_000
    assert (tmp_path / "report.md").read_text("utf-8").startswith("# cars.csv\n")


def test_the_pdf_has_pages_numbers_and_bookmarks(tmp_path: Path) -> None:
    runs.ordinary(tmp_path).render()
    path = tmp_path / "report.pdf"
    pages = [" ".join(text.split()) for text in pages_of(path)]
    assert len(pages) >= 3
    for place, text in enumerate(pages, start=1):
        assert f"page {place} of {len(pages)}" in text
    assert outline_of(path) == [s.text for s in runs.ordinary(tmp_path).document().sections()]
    assert PdfReader(path).metadata.title == "cars.csv"  # type: ignore[union-attr]


def test_the_pdf_links_its_contents_to_the_sections(tmp_path: Path) -> None:
    runs.ordinary(tmp_path).render()
    reader = PdfReader(tmp_path / "report.pdf")
    links = [note.get_object()["/Dest"][0] for note in reader.pages[0]["/Annots"]]
    targets = [reader.get_page_number(page.get_object()) for page in links]
    assert len(targets) == len(runs.ordinary(tmp_path).document().sections())
    assert targets == sorted(targets)
    assert targets[0] == 1


def test_all_three_say_the_same(tmp_path: Path) -> None:
    runs.ordinary(tmp_path).render()
    pdf = " ".join(" ".join(pages_of(tmp_path / "report.pdf")).split())
    html = " ".join(" ".join(tags_of((tmp_path / "report.html").read_text("utf-8")).texts).split())
    markdown = (tmp_path / "report.md").read_text("utf-8")
    for word in ("boosted trees", "528.2", "uam predict model.joblib", "The model leans most on"):
        assert word in pdf
        assert word in html
        assert word in markdown


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    document = runs.ordinary(tmp_path).document()
    assert render_pdf(document) == render_pdf(document)
    assert render_html(document) == render_html(document)


def test_the_page_is_self_contained(tmp_path: Path) -> None:
    runs.ordinary(tmp_path).render()
    found = tags_of((tmp_path / "report.html").read_text("utf-8"))
    assert found.tags <= OWN_TAGS
    assert all(a.startswith(("#", "data:image/png;base64,")) for a in found.addresses)
    assert sum(address.startswith("data:") for address in found.addresses) == 3


def test_hostile_text_is_text_in_the_page(tmp_path: Path) -> None:
    runs.hostile(tmp_path).render()
    found = tags_of((tmp_path / "report.html").read_text("utf-8"))
    assert found.tags <= OWN_TAGS
    assert found.handlers == []
    assert all(a.startswith(("#", "data:image/png;base64,")) for a in found.addresses)
    words = " ".join(found.texts)
    assert '<script>alert("x")</script>' in words
    assert "{{ 7 * 7 }}" in words


def test_hostile_text_is_text_in_markdown(tmp_path: Path) -> None:
    run = runs.hostile(tmp_path)
    run.render()
    markdown = (tmp_path / "report.md").read_text("utf-8")
    tokens = MARKDOWN.parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in [*tokens, *inline]}
    assert not kinds & {"html_block", "html_inline", "link_open", "em_open", "s_open", "hr"}
    assert not re.search(r"(?<!\\)://|www\.|\w@", markdown)
    addresses = {str(t.attrs["src"]) for t in inline if t.type == "image"}
    assert addresses == {f"charts/{chart.name}.png" for chart in run.material().charts}
    headings = [t for t in tokens if t.type == "heading_open"]
    own = [b for b in run.document().blocks if type(b).__name__ == "Heading"]
    assert len(headings) == len(own) + 1


def test_tables_keep_their_shape_in_markdown(tmp_path: Path) -> None:
    run = runs.hostile(tmp_path)
    tokens = MARKDOWN.parse(render_markdown(run.document()))
    tables = [block for block in run.document().blocks if isinstance(block, Table)]
    cells = sum(token.type == "td_open" for token in tokens)
    assert cells == sum(len(table.header) * len(table.rows) for table in tables)


def test_hostile_text_is_text_in_the_pdf(tmp_path: Path) -> None:
    runs.hostile(tmp_path).render()
    path = tmp_path / "report.pdf"
    text = " ".join(" ".join(pages_of(path)).split())
    assert "</font></para><b>broken" in text
    assert "Ελλάδα and Россия" in text
    assert UNSHOWN in text  # Han characters and emoji are not in the font
    assert "漢" not in text
    raw = path.read_bytes()
    assert b"/JavaScript" not in raw
    assert b"/URI" not in raw


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_text_in_markdown(text: str) -> None:
    tokens = MARKDOWN.parse(
        f"before {escape(text)}\n\n{escape(text)}\n\n| {escape(text)} |\n| --- |"
    )
    inline = [child for token in tokens for child in token.children or ()]
    plain = {"text", "text_special", "softbreak", "html_entity"}
    assert {child.type for child in inline} <= plain
    first = "".join(child.content for child in tokens[1].children or ())
    assert first.split() == f"before {clean(text)}".split()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=5))
def test_any_text_is_drawn_in_the_pdf(texts: list[str]) -> None:
    table = Table(("head",), tuple((text,) for text in texts))
    document = Document(texts[0], "", (("k", texts[-1]),), (Paragraph(texts[0]), table))
    assert render_pdf(document).startswith(b"%PDF-")


def test_characters_that_the_font_lacks_are_replaced_visibly() -> None:
    assert shown("Größe 漢 Ω Ж") == f"Größe {UNSHOWN} Ω Ж"


@pytest.mark.parametrize("columns", [1, 200])
def test_few_and_many_columns_fit(tmp_path: Path, columns: int) -> None:
    listed = [runs.column(f"a_rather_long_name_of_column_{i}" * 3) for i in range(columns)]
    run = runs.Run(tmp_path, profile=runs.profile(*listed, alerts=20))
    run.render()
    text = "".join("".join(pages_of(tmp_path / "report.pdf")).split())
    assert f"a_rather_long_name_of_column_{columns - 1}" in text
    assert len(re.findall(r"page\d+of\d+", text)) == len(pages_of(tmp_path / "report.pdf"))


def test_a_table_that_breaks_repeats_its_header(tmp_path: Path) -> None:
    listed = [runs.column(f"column_{i}") for i in range(200)]
    runs.Run(tmp_path, profile=runs.profile(*listed)).render()
    heads = [page for page in pages_of(tmp_path / "report.pdf") if "In short" in page]
    assert len(heads) >= 4


@pytest.mark.parametrize("task", ["regression", "clustering", "none"])
def test_every_kind_of_run_renders(tmp_path: Path, task: str) -> None:
    trained = None if task == "none" else runs.model(task, "rmse", 3.0)
    run = runs.Run(tmp_path, profile=runs.profile(runs.column("a")), model=trained)
    run.render()
    assert len(pages_of(tmp_path / "report.pdf")) >= 3
