"""What goes in and out of the dataset routes."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, Field

from app.analysis.schema import ColumnType, SensitiveKind
from app.db.tables import Dataset, DatasetFacts
from app.web import Body, UtcTime


class ColumnOut(BaseModel):
    """One column, with the reason for its type, and for its flag where it is sensitive."""

    name: str
    type: ColumnType
    nullable: bool
    reason: str = ""
    sensitive: SensitiveKind | None = Field(
        default=None, description="The kind of personal data that its values look like."
    )
    sensitive_reason: str = ""


class Preview(BaseModel):
    """The first rows; a missing value is ``null``."""

    columns: list[ColumnOut]
    first_rows: list[dict[str, Any]]


class PreviewPage(Preview):
    """The first rows, and how many there are in all."""

    rows_total: int


class Uploaded(BaseModel):
    """A new dataset."""

    dataset_id: str
    project_id: str
    filename: str
    rows: int
    cols: int
    size_bytes: int
    preview: Preview
    warnings: list[dict[str, Any]]
    read: dict[str, Any] = Field(description="How the file was read: what was guessed, and why.")
    version: int = 1


class DatasetOut(BaseModel):
    """A dataset."""

    id: str
    project_id: str
    filename: str
    rows: int
    cols: int
    columns: list[ColumnOut]
    uploaded_at: UtcTime
    size_bytes: int
    version: int
    warnings: list[dict[str, Any]]
    read: dict[str, Any]

    @classmethod
    def of(cls, dataset: Dataset, version: DatasetFacts | None = None) -> Self:
        """The answer for a row; for what it was at ``version`` where that is given."""
        facts = version or dataset
        return cls(
            id=dataset.id,
            project_id=dataset.project_id,
            filename=facts.filename,
            rows=facts.rows,
            cols=facts.cols,
            columns=[ColumnOut.model_validate(column) for column in facts.columns_json],
            uploaded_at=facts.uploaded_at,
            size_bytes=facts.size_bytes,
            version=facts.version,
            warnings=facts.warnings_json,
            read=facts.read_json,
        )


class VersionOut(BaseModel):
    """A dataset as it was, or is, at one version."""

    version: int
    current: bool
    mode: str = Field(description="upload, replace, append or retype: how this version came.")
    filename: str = Field(description="The file that was sent for it.")
    rows: int
    cols: int
    columns: list[ColumnOut]
    uploaded_at: UtcTime
    size_bytes: int
    warnings: list[dict[str, Any]]
    read: dict[str, Any]

    @classmethod
    def of(cls, version: DatasetFacts, newest: int) -> Self:
        """The answer for a row, of a dataset whose newest version is ``newest``."""
        return cls(
            version=version.version,
            current=version.version == newest,
            mode=version.mode,
            filename=version.source_filename or version.filename,
            rows=version.rows,
            cols=version.cols,
            columns=[ColumnOut.model_validate(column) for column in version.columns_json],
            uploaded_at=version.uploaded_at,
            size_bytes=version.size_bytes,
            warnings=version.warnings_json,
            read=version.read_json,
        )


class ColumnChange(Body):
    """The type that a column is to have."""

    name: str
    type: ColumnType


class DatasetPatch(Body):
    """What of a dataset can be changed."""

    filename: str | None = Field(default=None, min_length=1, max_length=5000)
    columns: list[ColumnChange] | None = Field(default=None, max_length=20_000)
