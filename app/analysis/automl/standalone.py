"""Predict with this model: python predict.py DATA.csv --out predictions.csv

DATA is a CSV (comma, semicolon or tab; UTF-8) or a JSON list of rows. One row comes out for each
row, in the same order: the column prediction, with --proba one probability_CLASS for each class.
Dates are written as ISO 8601, numbers with a point.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import pickle
import sys
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from app.analysis.automl.serving import Predictor
from app.analysis.automl.table_out import csv_lines
from app.analysis.errors import AnalysisError, BadModel

HERE = Path(__file__).resolve().parent
HOME = Predictor.__module__.removesuffix(".automl.serving")
CHUNK_ROWS = 10_000


class _Unpickler(pickle.Unpickler):
    """Finds the classes of a model under the name that they have here."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("app.analysis."):
            module = HOME + module.removeprefix("app.analysis")
        return super().find_class(module, name)


def load_model(folder: Path = HERE) -> Predictor:
    """The model in ``folder``. A pickle can run code: load only what you trust.

    Raises ``BadModel`` when it is not the one that ``model.json`` tells of.
    """
    content = (folder / "model.pkl").read_bytes()
    told = json.loads((folder / "model.json").read_text("utf-8"))
    if hashlib.sha256(content).hexdigest() != told["model_sha256"]:
        raise BadModel("model.pkl is not the one that was exported: its SHA-256 differs.")
    return Predictor(_Unpickler(io.BytesIO(zlib.decompress(content))).load())


def read_rows(file: IO[str]) -> Iterator[dict[str, Any]]:
    """The rows of a CSV or of a JSON list. Raises ``ValueError`` where they cannot be told."""
    beginning = file.read(65_536)
    file.seek(0)
    if beginning.lstrip().startswith("["):
        yield from json.load(file)
        return
    header = beginning.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(file, delimiter=delimiter)
    for row in reader:
        if None in row:
            raise ValueError(f"Line {reader.line_num} has more cells than there are columns.")
        yield row


def predict_rows(
    model: Predictor, rows: Iterator[dict[str, Any]], told: set[str]
) -> Iterator[dict[str, Any]]:
    """One answer for each row; what was odd about the rows is put into ``told``."""
    while chunk := list(islice(rows, CHUNK_ROWS)):
        found = model.predict_rows(chunk)
        told |= {warning["message"] for warning in found["warnings"]}
        yield from found["predictions"]


def main(arguments: list[str] | None = None) -> int:
    """Predict a file; 0 when that is done, 1 when it cannot be."""
    parser = argparse.ArgumentParser(description=__doc__, prog="predict.py")
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--horizon", type=int, help="of a forecast: the next steps, without data")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--proba", action="store_true", help="probabilities, too")
    asked = parser.parse_args(arguments)
    if (asked.data is None) == (asked.horizon is None):
        parser.error("give DATA or --horizon")
    told: set[str] = set()
    try:
        model = load_model()
        if asked.horizon is not None:
            found = model.predict_rows([], horizon=asked.horizon)["predictions"]
            with asked.out.open("w", encoding="utf-8") as out:
                out.writelines(csv_lines(found))
            return 0
        with (
            asked.data.open(encoding="utf-8-sig", newline="") as data,
            asked.out.open("w", encoding="utf-8") as out,
        ):
            answers = predict_rows(model, read_rows(data), told)
            out.writelines(csv_lines(answers, proba=asked.proba))
    except (AnalysisError, OSError, ValueError) as error:
        print(f"predict.py: {error}", file=sys.stderr)
        return 1
    for message in sorted(told):
        print(f"warning: {message}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
