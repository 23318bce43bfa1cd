"""Intervals of forecasts from the errors at rolling origins, a width for each step ahead.

Errors are measured in units of each series' scale and pooled over windows, series and neighbouring
steps; their quantile with the (n + 1) correction covers about the share asked for (split conformal:
Vovk et al. 2005). Widths never shrink with the step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

COVERAGE = 0.9
LEAST = 9
"""Errors needed for 90 %: of 9, the largest is passed with a chance of 1 in 10."""
WANTED = 40
"""Errors that a quantile is taken of, if neighbouring steps are to be had."""


def fit_widths(truth: Array, forecast: Array, scale: Array) -> tuple[Array | None, str | None]:
    """(steps,) half the width of the interval at each step in units of the series' scale, ``None``
    where there are too few errors; and what is to be told about it.

    ``truth`` and ``forecast`` are (windows, series, steps), ``scale`` (windows, series).
    """
    sizes = np.abs(truth - forecast) / scale[..., None]
    steps = sizes.shape[-1]
    by_step = [sizes[..., h][np.isfinite(sizes[..., h])] for h in range(steps)]
    if sum(errors.size for errors in by_step) < LEAST:
        return None, "There are too few past errors for intervals."
    fewest = min(errors.size for errors in by_step)
    # Errors of one window and series come together: they count as less than they are.
    widths = np.array([_width(by_step, h) for h in range(steps)])
    told = None
    if fewest < LEAST:
        told = (
            f"Intervals rest on few past errors ({fewest} at a step, pooled with the neighbouring "
            "steps): that they hold 90 % of what comes cannot be promised."
        )
    return np.maximum.accumulate(widths), told


def widened(widths: Array, reach: int) -> Array:
    """(reach,) the widths, beyond the last step growing with the root of the step, as errors that
    add up do."""
    steps = np.arange(1, reach + 1)
    inside = np.minimum(steps, widths.size) - 1
    return np.asarray(widths[inside] * np.sqrt(np.maximum(1.0, steps / widths.size)))


def _width(by_step: list[Array], step: int) -> float:
    """The quantile of the errors around a step, of as many steps as are needed."""
    for around in range(len(by_step)):
        near = by_step[max(0, step - around) : step + around + 1]
        errors = np.concatenate(near)
        if errors.size >= WANTED or around == len(by_step) - 1:
            break
    ordered = np.sort(errors)
    rank = int(np.ceil((ordered.size + 1) * COVERAGE))
    return float(ordered[min(rank, ordered.size) - 1])
