"""An exported model predicts without UAM: in an environment of its own pinned requirements."""

import csv
import json
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from app.analysis.automl.exporting import export_model
from app.analysis.automl.serving import load
from app.analysis.progress import silent
from tests.unit.automl.tables import customers, numbers, run_job

UV = Path(__file__).resolve().parents[3] / ".tools" / "bin" / "uv"
CARD = {"id": "m", "version": 3, "created_at": "2026-01-02", "decision": None}


def exported(folder, table, **options):
    facts = run_job(*table, folder, time_budget_s=60, **options)
    card = {**CARD, **{k: facts[k] for k in ("name", "task", "target", "metrics", "importance")}}
    place = folder / "model.zip"
    export_model(
        model=str(folder / "model.joblib"),
        sha256=facts["sha256"],
        out=str(place),
        card=card,
        progress=silent,
    )
    with zipfile.ZipFile(place) as archive:
        archive.extractall(folder / "elsewhere")
    return folder / "elsewhere"


@pytest.fixture(scope="module")
def churn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("churn")
    return exported(folder, customers(300), target="left")


@pytest.fixture(scope="module")
def python(tmp_path_factory, churn):
    """An interpreter that has what the export's requirements name, and nothing else."""
    home = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", "3.11", home], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", home / "bin" / "python", "-r"]
    subprocess.run([*install, churn / "requirements.txt"], check=True)
    return home / "bin" / "python"


def predict(python, folder, data, *more):
    out = folder / "predictions.csv"
    done = subprocess.run(
        [python, "-E", folder / "predict.py", data, "--out", out, *more],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    return done, list(csv.DictReader(out.open())) if done.returncode == 0 else []


def test_the_zip_holds_what_it_promises(churn):
    names = {str(path.relative_to(churn)) for path in churn.rglob("*") if path.is_file()}
    assert names >= {
        "model.pkl", "model.json", "predict.py", "requirements.txt", "README.md", "MODEL_CARD.md",
        "example.csv", "LICENSE",
    }  # fmt: skip
    pins = (churn / "requirements.txt").read_text().split()
    assert all(pin.count("==") == 1 for pin in pins)
    assert {"numpy", "lightgbm", "pandas"} <= {pin.partition("=")[0] for pin in pins}
    assert not {"uam", "pyarrow", "duckdb", "fastapi"} & {pin.partition("=")[0] for pin in pins}
    for path in churn.rglob("*.py"):
        assert not re.search(r"^\s*(import|from) app\b", path.read_text(), re.MULTILINE)
    card = (churn / "MODEL_CARD.md").read_text()
    for word in ("left", "roc_auc", "age", "version 3"):
        assert word in card
    told = json.loads((churn / "model.json").read_text())
    assert told["classes"] == ["No", "Yes"]


def test_it_predicts_elsewhere_as_it_does_here(churn, python, tmp_path):
    uam = subprocess.run([python, "-c", "import app"], capture_output=True, check=False, cwd="/")
    assert uam.returncode != 0, "nothing of UAM is there"
    fresh, _ = customers(80, seed=7)
    source = tmp_path / "fresh.csv"
    fresh.assign(joined=fresh["joined"].dt.strftime("%Y-%m-%d")).to_csv(source, index=False)
    done, rows = predict(python, churn, source, "--proba")
    assert done.returncode == 0, done.stderr
    assert len(rows) == 80
    output, _ = load(churn.parent / "model.joblib").predict_frame(fresh)
    given = np.array([float(row["probability_Yes"]) for row in rows])
    assert np.allclose(given, output[:, 1], atol=1e-9)
    assert {row["prediction"] for row in rows} == {"Yes", "No"}


def test_its_example_can_be_predicted(churn, python):
    done, rows = predict(python, churn, churn / "example.csv")
    assert done.returncode == 0, done.stderr
    assert list(rows[0]) == ["prediction"]


def test_a_json_list_is_read_too(churn, python, tmp_path):
    fresh, _ = customers(3, seed=7)
    rows = json.loads(fresh.to_json(orient="records", date_format="iso"))
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    done, found = predict(python, churn, tmp_path / "rows.json")
    assert done.returncode == 0, done.stderr
    assert len(found) == 3


def test_what_does_not_fit_is_one_plain_sentence(churn, python, tmp_path):
    (tmp_path / "bad.csv").write_text("age,plan\nold,basic\n")
    done, _ = predict(python, churn, tmp_path / "bad.csv")
    assert done.returncode == 1
    assert "'old' is not a number" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_swapped_model_is_not_loaded(churn, python, tmp_path):
    content = (churn / "model.pkl").read_bytes()
    try:
        (churn / "model.pkl").write_bytes(content[:-1] + b"x")
        done, _ = predict(python, churn, churn / "example.csv")
        assert done.returncode == 1
        assert "SHA-256" in done.stderr
    finally:
        (churn / "model.pkl").write_bytes(content)


def test_numbers_go_elsewhere_too(python, tmp_path):
    place = exported(tmp_path, numbers(200), target="y")
    done, rows = predict(python, place, place / "example.csv", "--proba")
    assert done.returncode == 0, done.stderr
    assert abs(float(rows[0]["prediction"])) < 100
