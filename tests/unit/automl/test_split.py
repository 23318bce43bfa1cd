"""Splits: disjoint, complete, each class in its share, and never from the future."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.automl.split import fold_count, holdout_share, make_split
from app.analysis.errors import HopelessTable


def split(values, task="binary", kind="auto", order=None, folds=4, seed=0):
    return make_split(
        np.asarray(values), task, budget_s=60, folds=folds, kind=kind, order=order, seed=seed
    )


@given(rows=st.integers(10, 400), folds=st.integers(2, 8), seed=st.integers(0, 9))
def test_holdout_and_folds_share_no_row_and_miss_none(rows, folds, seed):
    made = split(np.arange(rows) % 2, folds=folds, seed=seed)
    assert sorted([*made.development, *made.holdout]) == list(range(rows))
    judged = np.concatenate([fold.valid for fold in made.folds])
    assert sorted(judged) == made.development.tolist()
    for fold in made.folds:
        assert not set(fold.train) & set(fold.valid)
        assert not set(made.holdout) & set(fold.train)


def test_every_part_holds_each_class_in_its_share():
    values = (np.arange(1_000) % 10 == 0).astype(int)
    made = split(values)
    parts = [made.holdout, *(fold.valid for fold in made.folds)]
    assert [round(float(values[part].mean()), 2) for part in parts] == [0.1] * 5


def test_a_split_by_time_judges_by_later_rows():
    order = np.random.default_rng(0).permutation(500).astype(float)
    made = split(np.arange(500) % 2, kind="time", order=order)
    assert order[made.holdout].min() > order[made.development].max()
    for fold in made.folds:
        assert order[fold.valid].min() > order[fold.train].max()
    assert made.kind == "time"


def test_tiny_tables_have_no_holdout():
    made = split(np.arange(40) % 2)
    assert made.holdout.size == 0
    assert "too few rows for a holdout" in made.told


def test_the_holdout_is_bounded():
    assert holdout_share(2_000) == 0.2
    assert holdout_share(100_000) == 0.1
    made = split(np.random.default_rng(0).normal(size=300_000), task="regression", folds=None)
    assert made.holdout.size == 20_000


@pytest.mark.parametrize(
    ("rows", "budget", "classes", "folds"),
    [
        (500, 60, 1, 8),
        (5_000, 60, 1, 6),
        (40_000, 60, 1, 4),
        (200_000, 60, 1, 1),
        (3_000, 10, 1, 4),
        (9_000, 10, 1, 1),
        (5_000, 60, 4, 6),
        (5_000, 60, 10, 4),
        (20_000, 60, 26, 1),
    ],
)
def test_folds_follow_rows_budget_and_classes(rows, budget, classes, folds):
    assert fold_count(rows, budget, classes) == folds


def quick(rows, lanes, **more):
    """A split for a run so short that validation parts do instead of folds."""
    kind = more.pop("kind", "auto")
    order = np.arange(rows, dtype=float)
    values = np.arange(rows) % 2
    how = {"budget_s": 10, "folds": None, "kind": kind, "order": order, "seed": 0, "lanes": lanes}
    return make_split(values, "binary", **how, **more)


def test_where_two_fits_go_side_by_side_two_parts_judge():
    one, two = quick(9_000, 1), quick(9_000, 2)
    assert [fold.valid.size for fold in one.folds] == [1119]
    assert [fold.valid.size for fold in two.folds] == [1119, 1119]
    assert np.array_equal(one.holdout, two.holdout)
    first, second = two.folds
    assert not set(first.valid) & set(second.valid)
    for fold in two.folds:
        assert sorted([*fold.train, *fold.valid]) == two.development.tolist()
    assert "one part of 15 % chooses" in one.told
    assert "2 parts of 15 % choose" in two.told
    assert len(quick(9_000, 2, kind="time").folds) == 2
    assert len(quick(300_000, 2).folds) == 1  # there, threads share one fit


@pytest.mark.parametrize("kind", ["auto", "random", "time"])
def test_two_parts_never_learn_from_later_rows_nor_divide_a_group(kind):
    groups = np.arange(6_600) // 300
    made = quick(6_600, 2, kind=kind, groups=groups)
    assert len(made.folds) == 2
    for fold in made.folds:
        assert fold.train.size > 3 * fold.valid.size
        assert not set(groups[fold.train]) & set(groups[fold.valid])
        assert kind != "time" or fold.valid.min() > fold.train.max()
    if kind == "time":
        assert made.folds[-1].valid.max() == made.development.max()


def test_where_no_second_part_can_be_cut_one_judges():
    groups = np.minimum(np.arange(9_900) // 3_000, 2)
    made = quick(9_900, 2, groups=groups)
    assert len(made.folds) == 1
    assert made.folds[0].train.size


def test_the_same_seed_splits_alike():
    first, second = split(np.arange(200) % 3, seed=5), split(np.arange(200) % 3, seed=5)
    assert np.array_equal(first.holdout, second.holdout)
    assert not np.array_equal(first.holdout, split(np.arange(200) % 3, seed=6).holdout)


@given(
    groups=st.lists(st.integers(0, 12), min_size=60, max_size=300),
    kind=st.sampled_from(["auto", "random", "time"]),
    folds=st.sampled_from([None, 2, 5]),
)
def test_no_group_is_ever_divided(groups, kind, folds):
    groups = np.array([*groups, 0, 1, 2, 3, 4])
    values, order = np.arange(groups.size) % 2, np.arange(groups.size, dtype=float)
    made = make_split(
        values, "binary", budget_s=60, folds=folds, kind=kind, order=order, seed=0, groups=groups
    )
    every = [*made.development, *made.holdout]
    if kind == "time":
        assert len(set(every)) == len(every)
        for train, judging in [
            (made.development, made.holdout),
            *((fold.train, fold.valid) for fold in made.folds),
        ]:
            assert order[judging].min() > order[train].max()
    else:
        assert sorted(every) == list(range(groups.size))
    one_rules = 2 * np.bincount(groups).max() > groups.size
    assert made.holdout.size or one_rules
    assert not set(groups[made.holdout]) & set(groups[made.development])
    for fold in made.folds:
        assert fold.train.size
        assert fold.valid.size
        assert not set(groups[fold.train]) & set(groups[fold.valid])
        assert not set(made.holdout) & {*fold.train, *fold.valid}
    assert "no group ever divided" in made.told


def test_groups_are_dealt_with_each_class_in_its_share():
    groups = np.arange(3_000) // 3
    values = (groups % 10 == 0).astype(int)
    made = make_split(
        values, "binary", budget_s=60, folds=4, kind="auto", order=None, seed=0, groups=groups
    )
    parts = [made.holdout, *(fold.valid for fold in made.folds)]
    assert [round(float(values[part].mean()), 2) for part in parts] == [0.1] * 5
    assert made.holdout.size == pytest.approx(3_000 * holdout_share(3_000), abs=3)


def test_long_groups_are_judged_by_their_newest_rows_alone():
    groups, order = np.arange(600) % 12, np.arange(600.0)  # all groups run all the time
    order[groups < 6] /= 2  # half of them end early
    made = make_split(
        np.arange(600) % 2, "binary", budget_s=60, folds=1, kind="time", order=order, seed=0,
        groups=groups,
    )  # fmt: skip
    assert order[made.holdout].min() > order[made.development].max()
    assert order[made.folds[0].valid].min() > order[made.folds[0].train].max()
    assert "rows of groups that began earlier judge nothing" in made.told


def test_two_groups_are_too_few():
    with pytest.raises(HopelessTable, match="only 2 groups"):
        make_split(
            np.arange(90) % 2, "binary", budget_s=60, folds=None, kind="auto", order=None, seed=0,
            groups=np.arange(90) % 2,
        )  # fmt: skip


def test_rows_of_one_time_stay_together():
    order = np.repeat(np.arange(50.0), 10)
    made = split(np.arange(500) % 2, kind="time", order=order)
    assert not set(order[made.holdout]) & set(order[made.development])
    for fold in made.folds:
        assert order[fold.valid].min() > order[fold.train].max()


def test_rows_without_a_time_are_the_oldest():
    order = np.arange(300.0)
    order[250:] = np.nan
    made = split(np.arange(300) % 2, kind="time", order=order)
    assert set(range(250, 300)) <= set(made.folds[0].train)


def test_folds_that_would_learn_from_one_class_alone_are_left_out():
    values = np.r_[np.zeros(150, int), np.arange(150) % 2]
    made = split(values, kind="time", order=np.arange(300.0))
    assert 1 <= len(made.folds) < 4
    with pytest.raises(HopelessTable, match="one class only"):
        split(np.r_[np.zeros(250, int), np.ones(50, int)], kind="time", order=np.arange(300.0))


@pytest.mark.parametrize("kind", ["random", "stratified", "time"])
@pytest.mark.parametrize("big", [0, 4])
@pytest.mark.parametrize("folds", [None, 2, 4])
def test_a_group_of_nearly_all_rows_is_neither_divided_nor_the_holdout(kind, big, folds):
    sizes = [61 if group == big else 1 for group in range(5)]
    groups = np.repeat(np.arange(5), sizes)
    values = np.arange(groups.size) % 2
    made = make_split(
        values,
        "binary",
        budget_s=60,
        folds=folds,
        kind=kind,
        order=np.arange(groups.size, dtype=float),
        seed=3,
        groups=groups,
    )
    assert 2 * made.holdout.size <= groups.size
    assert made.holdout.size or "too few groups for a holdout" in made.told
    assert len(set(groups[made.development])) >= 2
    assert not set(groups[made.development]) & set(groups[made.holdout])
    for fold in made.folds:
        assert fold.train.size
        assert fold.valid.size
        assert not set(groups[fold.train]) & set(groups[fold.valid])


@pytest.mark.parametrize("folds", [None, 2, 8])
@pytest.mark.parametrize("rows", [70, 400])
def test_of_two_rows_of_a_class_every_fold_learns_one_at_least(rows, folds):
    for seed in range(20):
        values = np.zeros(rows, dtype=int)
        values[[3, rows // 2]] = 1
        made = split(values, folds=folds, seed=seed)
        assert values[made.holdout].sum() == 0
        assert all(values[fold.train].sum() for fold in made.folds)


def test_a_class_of_one_group_is_told_or_its_fold_left_out():
    groups = np.repeat(np.arange(10), 20)
    values = (groups == 4).astype(int)
    for seed in range(5):
        try:
            made = make_split(
                values,
                "binary",
                budget_s=60,
                folds=4,
                kind="stratified",
                order=None,
                seed=seed,
                groups=groups,
            )
        except HopelessTable as hopeless:
            assert "one class only" in str(hopeless)  # noqa: PT017
        else:
            assert all(np.unique(values[fold.train]).size == 2 for fold in made.folds)
