"""A document as a PDF: a title page, outline, page numbers, tables that break over pages."""

from __future__ import annotations

from io import BytesIO
from itertools import zip_longest

from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageBreak, PageTemplate, Spacer
from reportlab.platypus import Paragraph as Text

from app.analysis.report.document import Document, Heading
from app.analysis.report.fonts import REGULAR, markup, register, shown
from app.analysis.report.pdf_blocks import flowables, tiles_of_facts
from app.analysis.report.pdf_styles import (
    CONTENTS,
    FAINT,
    HEIGHT,
    LINE,
    MARGIN,
    PAGE,
    SUBTITLE,
    TITLE,
    WIDTH,
)

_AUTHOR = "Universal Analyst Model"
_TOTAL = "number-of-pages"
_TOTAL_AT = PAGE[0] - MARGIN - 16
"""Where the page's number ends and the number of all pages begins."""


def render_pdf(document: Document) -> bytes:
    """The whole document. The same document gives the same bytes: no clock is read."""
    register()
    buffer = BytesIO()
    template = _Template(buffer, document)
    story: list[Flowable] = [*_title_page(document)]
    for block, following in zip_longest(document.blocks, document.blocks[1:]):
        story.extend(flowables(block, following))
    template.build(story, canvasmaker=_NumberedCanvas)
    return buffer.getvalue()


def _title_page(document: Document) -> list[Flowable]:
    contents = [
        Text(f'<a href="#{section.anchor}">{markup(section.text)}</a>', CONTENTS)
        for section in document.sections()
    ]
    return [
        Spacer(1, HEIGHT * 0.16),
        Text(markup(document.title), TITLE),
        Text(markup(document.subtitle), SUBTITLE),
        tiles_of_facts(document.facts),
        Spacer(1, 28),
        *contents,
        PageBreak(),
    ]


class _Template(BaseDocTemplate):  # type: ignore[misc]
    """Pages with a running title, and an outline made of the headings that pass by."""

    def __init__(self, buffer: BytesIO, document: Document) -> None:
        super().__init__(
            buffer,
            pagesize=PAGE,
            leftMargin=MARGIN,
            rightMargin=MARGIN,
            topMargin=MARGIN,
            bottomMargin=MARGIN,
            title=shown(document.title),
            author=_AUTHOR,
            subject=document.subtitle,
            invariant=1,
        )
        self._running = shown(document.title)
        frame = Frame(MARGIN, MARGIN, WIDTH, HEIGHT, 0, 0, 0, 0, id="text")
        self.addPageTemplates(
            [
                PageTemplate(id="first", frames=[frame], autoNextPageTemplate="later"),
                PageTemplate(id="later", frames=[frame], onPage=self._header),
            ]
        )

    def afterFlowable(self, flowable: Flowable) -> None:
        """Bookmark a heading as it lands on its page."""
        heading: Heading | None = getattr(flowable, "heading", None)
        if heading is not None:
            self.canv.bookmarkPage(heading.anchor)
            level = heading.level - 2
            self.canv.addOutlineEntry(shown(heading.text), heading.anchor, level, closed=level > 0)

    def _header(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillColor(FAINT)
        text = self._running if len(self._running) <= 90 else f"{self._running[:89]}…"
        canvas.drawString(MARGIN, PAGE[1] - MARGIN * 0.62, text)
        canvas.setStrokeColor(LINE)
        canvas.line(MARGIN, PAGE[1] - MARGIN * 0.72, PAGE[0] - MARGIN, PAGE[1] - MARGIN * 0.72)
        canvas.restoreState()


class _NumberedCanvas(Canvas):  # type: ignore[misc]
    """A canvas that writes "page x of y": y is a form, filled in when the last page is known."""

    def showPage(self) -> None:
        """Number the page and go on to the next."""
        self.saveState()
        self.setFont(REGULAR, 7.5)
        self.setFillColor(FAINT)
        self.drawRightString(_TOTAL_AT, MARGIN * 0.55, f"page {self.getPageNumber()} of")
        self.translate(_TOTAL_AT + 2, MARGIN * 0.55)
        self.doForm(_TOTAL)
        self.restoreState()
        self._last = self.getPageNumber()
        super().showPage()

    def save(self) -> None:
        """Fill in the number of pages and write the file."""
        self.beginForm(_TOTAL, 0, -3, 40, 12)
        self.setFont(REGULAR, 7.5)
        self.setFillColor(FAINT)
        self.drawString(0, 0, str(self._last))
        self.endForm()
        super().save()
