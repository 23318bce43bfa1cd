"""Members for which the clock left no final fit: the figures are those of the model that is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.analysis.automl import refit as final
from app.analysis.automl.choice import choose
from app.analysis.automl.judgement import as_kept
from app.analysis.automl.leaderboard import Board
from app.analysis.automl.options import RunOptions
from app.analysis.automl.prepare import Setting, prepare
from app.analysis.automl.search import Search
from app.analysis.automl.threads import bounded_pools
from app.analysis.progress import silent
from tests.unit.automl.tables import customers, numbers, quick_portfolio


@pytest.mark.parametrize(("table", "target"), [(numbers, "y"), (customers, "left")])
def test_the_holdout_is_predicted_by_what_is_kept(
    table: Any, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, columns = table(600)
    options = RunOptions(target=target, time_budget_s=60)
    with quick_portfolio(), bounded_pools(1):
        made = prepare(frame, columns, options, Setting([], 1, 0.0, lambda: 0.0))
        material = made.material
        search = Search(material, Board(material.task, target, material.metric.name), silent)
        search.run()
        choice = choose(search.candidates, material, options)
        monkeypatch.setattr(final, "_fit_all", lambda *_: [])
        model, late, told = final.refit(choice, material)
        kept = as_kept(choice, material, late)
        predicted = model.predict(material.holdout)
    assert late == [candidate.entry.name for _, candidate in choice.members]
    assert any("No time was left" in note for note in told)
    np.testing.assert_allclose(kept.holdout, predicted, rtol=1e-9)
    # All folds together would have said something else.
    assert not np.allclose(choice.holdout, predicted, rtol=1e-6)
    assert as_kept(choice, material, []) is choice
