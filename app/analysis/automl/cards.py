"""What an exported model says of itself: its card, and how it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_COLUMNS = 100


def model_card(facts: Mapping[str, Any]) -> str:
    """The model card in Markdown: what it predicts, how well, from what, and its limits."""
    lines = [
        f"# {_text(facts['name'])}, version {facts['version']}",
        "",
        f"Predicts **{_text(facts['target'])}** ({facts['task']}); trained {facts['created_at']}.",
        "",
        *_calendar(facts),
        "## How good it is",
        "",
        "Measured on rows that trained nothing and chose nothing." + _weighed(facts),
        "",
        "| metric | value |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in facts["metrics"].items()),
        "",
        "## What it reads",
        "",
        "| column | type | needed | seen in training |",
        "| --- | --- | --- | --- |",
        *(_column(item) for item in facts["input_schema"][:MOST_COLUMNS]),
    ]
    if len(facts["input_schema"]) > MOST_COLUMNS:
        lines.append(f"| … {len(facts['input_schema']) - MOST_COLUMNS} more | | | |")
    weighing = [row for row in facts["importance"] if (row["value"] or 0) > 0][:15]
    if weighing:
        lines += ["", "## What it leans on", "", "| column | metric lost when shuffled |"]
        lines += ["| --- | --- |"]
        lines += [f"| {_text(row['feature'])} | {row['value']:.4g} |" for row in weighing]
    if facts.get("decision"):
        lines += ["", "## How it decides", "", _text(facts["decision"]["message"])]
    lines += [
        "",
        "## Limits",
        "",
        "It knows what its training rows held and nothing else: rows unlike them get answers that",
        "nobody has measured. Its figures hold as long as what comes is like what was.",
        "",
    ]
    return "\n".join(lines)


def read_me(facts: Mapping[str, Any]) -> str:
    """How the zip is used, in Markdown."""
    return f"""# A model of {_text(facts["target"])}

Made by UAM; works without it. With Python {facts["python"]}:

```
python -m venv venv
venv/bin/pip install -r requirements.txt
venv/bin/python predict.py example.csv --out predictions.csv --proba
```

One row comes out for each row, in the same order. `predict.py --help` says more. From Python:

```python
from predict import load_model

model = load_model()
model.predict_rows([{{"column": "value"}}])["predictions"]
```
{_next_steps(facts)}
- `MODEL_CARD.md` says what the model is worth and what it reads; `model.json` the same for programs.
- `model.pkl` is a pickle: whoever can change it can run code here. `predict.py` checks its SHA-256.
- `uam_model/` is the part of UAM that answers (Apache-2.0, see `LICENSE`).
- The libraries of `requirements.txt` are those that the model was exported with.
"""


def _weighed(facts: Mapping[str, Any]) -> str:
    name = facts.get("weight_column")
    return f" Rows counted by their weight in **{_text(name)}**." if name else ""


def _next_steps(facts: Mapping[str, Any]) -> str:
    told = facts.get("forecast")
    if not told:
        return ""
    return f"""
The next steps of every series, without any rows: `model.predict_rows([], horizon={told["horizon"]})`,
or `predict.py --horizon {told["horizon"]} --out forecast.csv`.
"""


def _calendar(facts: Mapping[str, Any]) -> list[str]:
    """How a forecast runs: nothing for other tasks."""
    told = facts.get("forecast")
    if not told:
        return []
    season = f"a season of {told['season']} steps" if told["season"] > 1 else "no season"
    series = f"{told['series']} series, " if told["series"] > 1 else ""
    return [
        f"It foretells {told['horizon']} steps ({told['frequency']}; {series}{season}) after "
        f"{_text(told['last'])}, the last time that it knows, and {told['reach']} at most.",
        "",
    ]


def _column(item: Mapping[str, Any]) -> str:
    seen = ""
    if "range" in item:
        seen = f"{item['range'][0]} to {item['range'][1]}"
    elif "categories" in item:
        more = " …" if len(item["categories"]) > 8 else ""
        seen = ", ".join(str(value) for value in item["categories"][:8]) + more
    needed = "yes" if item["required"] else "no"
    return f"| {_text(item['name'])} | {item['type']} | {needed} | {_text(seen)} |"


def _text(value: Any) -> str:
    """A name in a line or a cell of Markdown."""
    return str(value).replace("|", "\\|").replace("\n", " ").replace("\r", " ")
