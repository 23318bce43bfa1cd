"""The models of every release so far still load, and say what they said then."""

import json
from importlib.metadata import version

import pytest

from tests.unit.automl.release_models import MEMBERS, RELEASES, answers

KEPT = sorted(RELEASES.glob("*/*.joblib"))
SIGNIFICANT = 1e-9
# A network multiplies in single precision, whose last bits differ from processor to processor.
SINGLE = {"values": 1e-6}


def test_this_version_has_its_models_beside_those_of_the_releases_before():
    assert {path.stem for path in KEPT if path.parent.name == version("uam")} == set(MEMBERS)
    assert sum(path.stat().st_size for path in KEPT) < 200_000 * len({p.parent for p in KEPT})


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_model_of_a_release_says_what_it_said(path):
    kept = json.loads(path.with_suffix(".json").read_text("utf-8"))
    found = answers(path, path.stem, kept["rows"])
    alike(found, kept["predictions"], SINGLE.get(path.stem, SIGNIFICANT))


def alike(found, kept, within):
    """That all that was said then is said now; what a later version says beside it is free."""
    if isinstance(kept, dict):
        assert set(kept) <= set(found)
        for name, value in kept.items():
            alike(found[name], value, within)
    elif isinstance(kept, list):
        assert len(found) == len(kept)
        for one, other in zip(found, kept, strict=True):
            alike(one, other, within)
    elif isinstance(kept, float):
        assert found == pytest.approx(kept, rel=within, abs=within)
    else:
        assert found == kept
