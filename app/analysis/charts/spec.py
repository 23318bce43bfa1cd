"""What a chart is: one description, from which every rendering follows.

A :class:`Chart` holds plain JSON only, so it crosses the border of a process and comes back
the same. Its ``kind`` says what it shows (``roc``, ``missingness`` …); the *mark* of a kind
says how it is drawn, and fixes the shape of ``data``:

=============  =====================================================================
mark           ``data``
=============  =====================================================================
``histogram``  ``edges`` (n + 1 numbers or ISO times), ``time`` (bool),
               ``series`` [{``name``, ``counts`` (n)}]
``bar``        ``labels`` (n), ``series`` [{``name``, ``values`` (n), ``errors``? (n)}],
               ``horizontal``, ``stacked`` (bool), ``muted`` (indices of "other" bars),
               ``reference``? {``value``, ``label``}, ``years``? (bool),
               ``value_range``? [low, high] (else from zero)
``line``       ``series`` [{``name``, ``x``, ``y``, ``lower``?, ``upper``?, ``dashed``?}],
               ``time`` (bool), ``markers`` (bool), ``x_range``?, ``y_range``? [low, high],
               ``years``? (bool)
``scatter``    ``series`` [{``name``, ``x``, ``y``}], ``guide``? {``x``, ``y``, ``name``},
               ``years``? [of x, of y]
``box``        ``boxes`` [{``label``, ``low``, ``q1``, ``median``, ``q3``, ``high``, ``n``,
               ``outliers`` (some values beyond the whiskers)}]
``heatmap``    ``x``, ``y`` (labels), ``z`` (rows of y × x numbers), ``low``, ``high``,
               ``diverging`` (bool), ``text``? (rows of y × x strings)
=============  =====================================================================

A missing value is ``null`` everywhere. ``years`` says that the values are years, or means of years:
2013.4, not 2,013.4.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

Mark = Literal["histogram", "bar", "line", "scatter", "box", "heatmap"]

KINDS: Mapping[str, Mark] = {
    "histogram": "histogram",
    "text_lengths": "histogram",
    "bar": "bar",
    "grouped_bar": "bar",
    "stacked_bar": "bar",
    "tokens": "bar",
    "target_distribution": "bar",
    "target_histogram": "histogram",
    "target_rate": "bar",
    "missing_share": "bar",
    "importance": "bar",
    "leaderboard": "bar",
    "line": "line",
    "timeline": "line",
    "forecast": "line",
    "error_by_step": "line",
    "roc": "line",
    "precision_recall": "line",
    "calibration": "line",
    "learning_curve": "line",
    "dependence": "line",
    "scatter": "scatter",
    "clusters": "scatter",
    "predicted_vs_actual": "scatter",
    "residuals": "scatter",
    "box": "box",
    "heatmap": "heatmap",
    "correlation": "heatmap",
    "missingness": "heatmap",
    "confusion_matrix": "heatmap",
}

_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart, described: what it shows, never how many pixels it has.

    ``name`` is a safe file name without its ending; ``title`` says the finding, ``notes``
    what the reader must know of how it was made (sampling, cut tails, "other"). ``x_label``
    and ``y_label`` name the horizontal and the vertical axis as drawn, ``unit`` the unit of
    the values. ``columns`` are the dataset's columns that the chart shows.

    Raises ``ValueError`` for an unknown kind or a name that is no safe file name.
    """

    name: str
    title: str
    kind: str
    x_label: str
    y_label: str
    data: Mapping[str, Any]
    unit: str | None = None
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a kind of chart")
        if not _SAFE_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not a safe name for a chart; see slug()")
        object.__setattr__(self, "data", plain(self.data))
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "columns", tuple(self.columns))

    @property
    def mark(self) -> Mark:
        """How the chart is drawn, and so the shape of its ``data``."""
        return KINDS[self.kind]

    def to_dict(self) -> dict[str, Any]:
        """The chart as JSON values; :meth:`from_dict` makes an equal one of them."""
        return {
            "name": self.name,
            "title": self.title,
            "kind": self.kind,
            "x_label": self.x_label,
            "y_label": self.y_label,
            "unit": self.unit,
            "notes": list(self.notes),
            "columns": list(self.columns),
            "data": dict(self.data),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Chart:
        """The inverse of :meth:`to_dict`. Raises ``KeyError`` or ``ValueError``."""
        return cls(
            name=value["name"],
            title=value["title"],
            kind=value["kind"],
            x_label=value["x_label"],
            y_label=value["y_label"],
            unit=value.get("unit"),
            notes=tuple(value.get("notes", ())),
            columns=tuple(value.get("columns", ())),
            data=value["data"],
        )

    def summary(self) -> dict[str, Any]:
        """The line that a list of charts holds: ``{name, title, kind, columns}``."""
        return {
            "name": self.name,
            "title": self.title,
            "kind": self.kind,
            "columns": list(self.columns),
        }


def plain(value: Any) -> Any:
    """``value`` as JSON values: NumPy arrays as lists, times as ISO text, NaN and ∞ as ``None``."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    raise TypeError(f"a chart cannot hold a {type(value).__name__}")


def slug(*parts: str) -> str:
    """A safe chart name made of ``parts``; different parts give different names.

    What a file name cannot hold is dropped, and then a short hash of the whole keeps two
    names apart that would look alike (``Größe`` and ``Grösse``, 5,000 characters and 5,001).
    """
    whole = "\x00".join(parts)
    text = unicodedata.normalize("NFKD", "-".join(parts)).encode("ascii", "ignore").decode()
    text = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")
    if text == "-".join(parts) and len(text) <= 60:
        return text
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{text[:48].strip('-_') or 'chart'}-{digest}"
