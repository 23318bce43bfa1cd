"""A document as a PDF: a title page, outline, page numbers, tables that break over pages."""

from __future__ import annotations

from io import BytesIO
from typing import Any

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


def render_pdf(document: Document) -> bytes:
    """The whole document. The same document gives the same bytes: no clock is read."""
    register()
    buffer = BytesIO()
    template = _Template(buffer, document)
    story: list[Flowable] = [*_title_page(document)]
    for block in document.blocks:
        story.extend(flowables(block))
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
    """A canvas that writes "page x of y" when it knows y: at the end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page for later."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Number the kept pages and write the file."""
        total = len(self._pages)
        for place, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self.setFont(REGULAR, 7.5)
            self.setFillColor(FAINT)
            self.drawRightString(PAGE[0] - MARGIN, MARGIN * 0.55, f"page {place} of {total}")
            super().showPage()
        super().save()
