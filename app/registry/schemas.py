"""What goes in and out of the model routes."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, Field, JsonValue

from app.db.tables import ModelMeta
from app.web import Body, UtcTime

JobStatus = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED"]


class ModelOut(BaseModel):
    """A trained model. ``metrics`` is flat and of natural sign."""

    id: str
    run_id: str
    project_id: str
    name: str
    version: int = Field(description="Counts up within a project and target.")
    task: str
    target: str | None
    metrics: dict[str, Any]
    created_at: UtcTime
    champion: bool = Field(description="Whether it answers for its project and target.")
    promoted_at: UtcTime | None

    @classmethod
    def of(cls, model: ModelMeta) -> Self:
        """The answer for a row."""
        return cls(**_facts(model))


class InputField(BaseModel):
    """One column that the model reads."""

    name: str
    type: str
    required: bool
    categories: list[Any] | None = None
    range: list[Any] | None = None
    example: Any = None


class Importance(BaseModel):
    """How much the score falls when a feature's values are shuffled, and how sure that is."""

    feature: str
    value: float | None
    std: float | None


class ModelDetail(ModelOut):
    """A trained model, with what it reads and what weighs in it."""

    input_schema: list[InputField]
    importance: list[Importance]
    decision: dict[str, Any] | None = Field(
        description="How labels follow from probabilities, where not by the largest."
    )
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, model: ModelMeta) -> Self:
        """The answer for a row."""
        return cls(
            **_facts(model),
            input_schema=[InputField.model_validate(field) for field in model.input_schema_json],
            importance=[Importance.model_validate(entry) for entry in model.importance_json],
            decision=model.decision_json,
            sha256=model.sha256,
            size_bytes=model.size_bytes,
        )


def _facts(model: ModelMeta) -> dict[str, Any]:
    return {
        "id": model.id,
        "run_id": model.run_id,
        "project_id": model.project_id,
        "name": model.name,
        "version": model.version,
        "task": model.task,
        "target": model.target,
        "metrics": model.metrics_json,
        "created_at": model.created_at,
        "champion": model.champion_since is not None,
        "promoted_at": model.champion_since,
    }


class PredictIn(Body):
    """Rows to predict, each an object keyed by column name."""

    rows: list[dict[str, JsonValue]] = Field(
        default_factory=list, description="Needed, unless a forecast is asked for a horizon."
    )
    explain: bool = Field(default=False, description="Say for each row what weighed how much.")
    horizon: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Of a forecast, instead of rows: the next steps of every series.",
    )


class ChampionPredictIn(PredictIn):
    """Rows for the champion of a target; ``null`` is the target of models that group rows."""

    target: str | None


class EvaluateIn(Body):
    """The data set to judge by, in its newest version unless one is named."""

    dataset_id: str
    version: int | None = Field(default=None, ge=1, le=2_147_483_647)


class Interval(BaseModel):
    """Where the truth lies with the probability ``coverage``."""

    low: float
    high: float
    coverage: float


class Contribution(BaseModel):
    """By how much one feature moved a prediction."""

    feature: str
    contribution: float


class Explanation(BaseModel):
    """Why a prediction is what it is: ``base`` and all contributions make ``sum``."""

    scale: str
    base: float
    contributions: list[Contribution]
    sum: float


class Prediction(BaseModel):
    """One row's prediction; labels are spelled as in the training file."""

    prediction: Any
    probabilities: dict[str, float] | None = None
    interval: Interval | None = None
    explanation: Explanation | None = None
    time: Any = Field(default=None, description="Of a forecast, as the training file spells times.")
    series: str | None = Field(default=None, description="Of a forecast of several series.")


class Predictions(BaseModel):
    """The predictions, one a row and in the order of the rows."""

    model_id: str
    predictions: list[Prediction]
    warnings: list[Any]
    artifact_id: str
    download_url: str


class JobAccepted(BaseModel):
    """The file is large: a worker predicts it. Ask ``GET /predictions/{job_id}``."""

    job_id: str
    status: JobStatus


class JobOut(JobAccepted):
    """How far a job is, and where its predictions, or its evaluation, lie."""

    kind: Literal["predict", "evaluate"]

    model_id: str
    rows: int | None
    warnings: list[Any]
    artifact_id: str | None
    download_url: str | None
    error: str | None


class Uncertainty(BaseModel):
    """A figure's 95 % interval and standard error."""

    low: float
    high: float
    std: float


class ClassFigures(BaseModel):
    """One class: how often it is the truth and the prediction, and how well it is found."""

    label: Any
    rows: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None


class Evaluation(BaseModel):
    """How good a model is on new rows. ``trained_metrics`` are its figures from its training."""

    model_id: str
    rows: int
    judged_rows: int
    metrics: dict[str, float | None]
    uncertainty: dict[str, Uncertainty]
    classes: list[ClassFigures] | None = None
    errors: dict[str, float | None] | None = None
    charts: list[dict[str, Any]]
    warnings: list[Any]
    trained_metrics: dict[str, Any]
    artifact_id: str
    download_url: str


class Asked(BaseModel):
    """How often a model was asked, for how many rows."""

    requests: int
    rows: int
    first_at: UtcTime | None
    last_at: UtcTime | None


class Drift(BaseModel):
    """One column now, and among the training rows. ``psi`` is the size of the change; it counts
    only where chance is ruled out, too."""

    column: str
    kind: Literal["number", "time", "category", "text"]
    verdict: Literal["none", "moderate", "strong", "too_few_rows"]
    psi: float | None
    measure: str | None
    statistic: float | None
    p_value: float | None
    p_corrected: float | None
    rows: dict[str, int]
    missing_share: dict[str, float]
    missing_changed: bool
    message: str


class Monitoring(BaseModel):
    """What a model was asked (or a data set), and how far that is from its training rows."""

    model_id: str
    since: UtcTime | None = None
    predictions: Asked | None = None
    compared: int = Field(description="Rows that were compared.")
    drift: list[Drift]
    summary: list[str]
    method: dict[str, Any] | None
    warnings: list[Any] = []
