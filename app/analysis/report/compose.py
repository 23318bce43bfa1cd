"""The document of a run: which blocks, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.analysis.report.data_sections import alerts, charts, cleaning, columns_table, overview
from app.analysis.report.document import Block, Document, Heading, Paragraph, Table
from app.analysis.report.material import Material
from app.analysis.report.model_sections import model
from app.analysis.report.summary import summary
from app.analysis.report.wording import count, cut, moment, value_text


def compose(material: Material) -> Document:
    """The whole report, built once for all renderers."""
    blocks: list[Block] = []
    for section in (summary, overview, cleaning, alerts, charts, model, _appendix):
        blocks.extend(section(material))
    return Document(
        title=cut(material.name, 120),
        subtitle="Report of the Universal Analyst Model",
        facts=tuple(_facts(material)),
        blocks=tuple(blocks),
    )


def _facts(material: Material) -> Iterator[tuple[str, str]]:
    size = f"{count(material.rows, 'row')}, {count(len(material.columns), 'column')}"
    version = material.run.get("dataset_version")
    yield "Data", size if version is None else f"version {version}: {size}"
    yield "Target", cut(material.target) if material.target is not None else "none (exploration)"
    if material.model:
        yield "Model", cut(material.model.get("name"))
    if material.run.get("started_at"):
        yield "Run", moment(material.run["started_at"])
    if material.run.get("run_id"):
        yield "Run id", cut(material.run["run_id"])


def _appendix(material: Material) -> Iterator[Block]:
    """What someone needs who wants to check or repeat the run."""
    yield Heading("Appendix", "appendix")
    yield from columns_table(material)
    yield Heading("Settings and versions", "settings", 3)
    rows = tuple(_settings(material))
    if rows:
        yield Table(("Setting", "Value"), rows, widths=(2, 5))
    else:
        yield Paragraph("This run tells nothing of its settings.")
    sampling = material.profile.get("sampling") or {}
    if sampling:
        yield Heading("What rests on a sample", "sampling", 3)
        yield Table(("What", "How much"), _pairs(sampling), widths=(2, 5))


def _settings(material: Material) -> Iterator[tuple[str, str]]:
    options = dict(material.options)
    seed = options.pop("seed", material.run.get("seed"))
    if seed is not None:
        yield "seed", value_text(seed)
    yield from _pairs(options)
    versions = {**(material.run.get("versions") or {}), **(material.model.get("versions") or {})}
    for name, version in sorted(versions.items()):
        yield f"version of {cut(name)}", cut(version)
    if material.model.get("sha256"):
        yield "SHA-256 of the model", str(material.model["sha256"])


def _pairs(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (cut(name.replace("_", " ")), value_text(value))
        for name, value in values.items()
        if value is not None and name != "cleaning_steps"
    )
