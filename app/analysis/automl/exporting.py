"""A model as a zip that predicts without UAM: the model, what of the analyst it needs to answer,
a script, the versions of the libraries, and a model card.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import io
import json
import pickle
import pickletools
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata, util
from pathlib import Path
from typing import Any, cast

from app.analysis.automl.bundle import Bundle, load_bundle
from app.analysis.automl.cards import model_card, read_me
from app.analysis.automl.forecasting.model import ForecastModel
from app.analysis.progress import Progress

SCRIPT = "app.analysis.automl.standalone"
OURS, THEIRS = "app.analysis", "uam_model"
PREDICTED = "predict.py"
LICENSE = Path(__file__).resolve().parents[3] / "LICENSE"


def export_model(
    *, model: str, sha256: str, out: str, card: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    """Write the zip of the bundle at ``model`` to ``out``; ``card`` is what the card tells of it.

    Returns ``{"files", "size_bytes"}``. Raises ``BadModel``.
    """
    bundle = load_bundle(model, sha256)
    content = pickle.dumps(bundle, protocol=pickle.HIGHEST_PROTOCOL)
    stored = zlib.compress(content, 6)
    progress(0.5)
    sources = _sources([SCRIPT, *_named_in(content)])
    pins = _pins(_third_parties(sources.values(), _named_in(content)))
    facts = {
        **card,
        "input_schema": bundle.input_schema,
        "classes": list(bundle.labels),
        "weight_column": bundle.recipe.get("weight_column"),
        **_forecast_facts(bundle),
        "model_sha256": hashlib.sha256(stored).hexdigest(),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "libraries": dict(pin.split("==") for pin in pins),
    }
    files: dict[str, bytes] = {
        "model.pkl": stored,
        "model.json": json.dumps(facts, ensure_ascii=False, indent=1).encode(),
        "requirements.txt": "".join(f"{pin}\n" for pin in pins).encode(),
        "MODEL_CARD.md": model_card(facts).encode(),
        "README.md": read_me(facts).encode(),
        "example.csv": _example(bundle.input_schema).encode(),
        PREDICTED: _renamed(sources.pop(SCRIPT)).encode(),
    }
    for name, text in sources.items():
        files[_place(name)] = _renamed(text).encode()
    if LICENSE.is_file():
        files["LICENSE"] = LICENSE.read_bytes()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return {"files": sorted(files), "size_bytes": Path(out).stat().st_size}


def _forecast_facts(bundle: Bundle) -> dict[str, Any]:
    """How a forecast runs, for its card; nothing for other tasks."""
    if bundle.task != "forecast":
        return {}
    return {"forecast": cast(ForecastModel, bundle.model).facts()}


def _named_in(content: bytes) -> list[str]:
    """The modules whose classes and functions a pickle names."""
    found, texts = set(), list[str]()
    for operation, argument, _ in pickletools.genops(content):
        if operation.name == "GLOBAL":
            found.add(str(argument).partition(" ")[0])
        elif isinstance(argument, str):
            texts.append(argument)
    # Of a STACK_GLOBAL the name stands somewhere among the strings, once.
    return sorted(found | {text for text in texts if _is_module(text)})


def _is_module(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", text)) and text in sys.modules


def _sources(modules: Iterable[str]) -> dict[str, str]:
    """The source of each of the analyst's own modules, and of those that they import."""
    found: dict[str, str] = {}
    waiting = [name for name in modules if name.startswith(OURS)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        spec = util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        found[name] = Path(spec.origin).read_text("utf-8")
        waiting += [each for each in _imported(found[name]) if _is_ours(each)]
        if name != OURS:
            waiting.append(name.rpartition(".")[0])
    return found


def _is_ours(name: str) -> bool:
    if not name.startswith(f"{OURS}."):
        return False
    try:
        return util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False  # a name within a module


def _imported(source: str) -> Iterator[str]:
    """What a module imports when it is imported itself: not for type checkers, nor later."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _third_parties(sources: Iterable[str], named: Iterable[str]) -> set[str]:
    """The packages that are neither ours nor Python's, by the name of their import."""
    names = {name.partition(".")[0] for source in sources for name in _imported(source)}
    names |= {name.partition(".")[0] for name in named}
    return {name for name in names if name not in sys.stdlib_module_names and name != "app"}


def _pins(imports: set[str]) -> list[str]:
    """``name==version`` of the distributions of those imports, and of all that these need."""
    homes = metadata.packages_distributions()
    waiting = [home for name in imports for home in homes.get(name, [])]
    found: dict[str, str] = {}
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system
        found[name] = distribution.version
        waiting += [
            re.split(r"[^A-Za-z0-9._-]", needed, maxsplit=1)[0]
            for needed in distribution.requires or ()
            if "extra ==" not in needed
        ]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def _place(name: str) -> str:
    """Where a module of ours lies in the zip."""
    path = name.replace(OURS, THEIRS, 1).replace(".", "/")
    spec = util.find_spec(name)
    package = spec is not None and spec.submodule_search_locations is not None
    return f"{path}/__init__.py" if package else f"{path}.py"


def _renamed(source: str) -> str:
    """The same module under the name that the analyst has in the zip."""
    return source.replace(f"{OURS}.", f"{THEIRS}.").replace(f'"{THEIRS}.', f'"{OURS}.')


def _example(schema: Iterable[Mapping[str, Any]]) -> str:
    """A CSV of one row: an example of each column."""
    items = list(schema)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([item["name"] for item in items])
    writer.writerow([_cell(item["example"]) for item in items])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
