"""A user's file name is made harmless and never refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.filenames import clean_filename


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("sales.csv", "sales.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\Umsätze 2024.xlsx", "Umsätze 2024.xlsx"),
        ('a<b>:"|?*.csv', "ab.csv"),
        ("a\r\nb\x00.csv", "ab.csv"),
        ("a..b...csv", "a.b.csv"),
        ("", "dataset"),
        ("...", "dataset"),
        ("数据.csv", "数据.csv"),
    ],
)
def test_names(given_name, kept):
    assert clean_filename(given_name) == kept


@given(st.text(max_size=6000))
def test_every_name_becomes_a_harmless_one(name):
    kept = clean_filename(name)
    assert 1 <= len(kept) <= 255
    assert not set(kept) & set('<>:"/\\|?*\r\n\t\x00')
    assert ".." not in kept
    assert clean_filename(kept) == kept


def test_a_long_name_keeps_its_ending():
    assert clean_filename("x" * 5000 + ".parquet").endswith(".parquet")
