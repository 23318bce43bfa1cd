"""Tables of extreme shapes to train on, for the ``--csv`` of :mod:`bench.automl`::

    python -m bench.shapes rows many.csv [--rows 1000000]
    python -m bench.shapes columns wide.csv [--rows 300] [--columns 5000]

The target ``y`` has noise of deviation 1 on top of what the columns tell: no model of unseen rows
has a lower RMSE.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

NUMBERS, CATEGORIES = 20, 5


def many_rows(rows: int, seed: int = 0) -> pd.DataFrame:
    """Twenty numbers and five categories of 50 to 250 levels, of which six numbers and one category
    tell, none of them in a straight line."""
    rng = np.random.default_rng(seed)
    x = [rng.normal(size=rows) for _ in range(NUMBERS)]
    codes = [rng.integers(0, 50 * (i + 1), rows) for i in range(CATEGORIES)]
    effect = rng.normal(size=50 * CATEGORIES)
    told = np.sin(2 * x[0]) * x[1] + np.where(x[2] > 0, x[3], -x[4])
    told += 0.5 * effect[codes[3]] * x[5]
    made = pd.DataFrame({f"x{i}": column for i, column in enumerate(x)})
    for i, code in enumerate(codes):
        made[f"c{i}"] = np.char.add("k", code.astype(str))
    return made.assign(y=told + rng.normal(size=rows))


def many_columns(rows: int, columns: int, seed: int = 0) -> pd.DataFrame:
    """Numbers of three decimals, of which the first alone tells."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, columns)).round(3)
    made = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(columns)])
    made["y"] = made["x0"] + rng.normal(size=rows)
    return made


def main() -> None:
    """Writes the CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=["rows", "columns"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--columns", type=int, default=5_000)
    asked = parser.parse_args()
    if asked.shape == "rows":
        made = many_rows(asked.rows or 1_000_000)
    else:
        made = many_columns(asked.rows or 300, asked.columns)
    made.to_csv(asked.file, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
