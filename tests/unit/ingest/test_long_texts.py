"""Long texts are told apart in less memory than they take."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.analysis.ingest import engine
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.table import Table
from app.analysis.ingest.typing_rules import plan_columns
from app.analysis.ingest.verify import text_facts

ROWS = 60_000


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of 84 MB of texts that all differ, read at once, and an engine of 100 MB."""
    monkeypatch.setattr(engine, "MEMORY_LIMIT_MB", 100)
    texts = [hashlib.shake_128(str(i).encode()).hexdigest(700) for i in range(ROWS)]
    path = tmp_path / "long.parquet"
    pq.write_table(pa.table({"c0": texts}), path, use_dictionary=False)
    with engine.connect(tmp_path, files=[path]) as connection:
        relation = f"read_parquet('{path}')"
        yield connection, Table(["s"], relation, ["string"], {"format": "parquet"}, 1400)


def test_different_texts_are_counted(table):
    connection, texts = table
    facts = text_facts(connection, texts, [0], exact=True)[0]
    assert facts.distinct == facts.values == ROWS


def test_texts_that_all_differ_are_a_key(table, monkeypatch):
    connection, texts = table
    monkeypatch.setattr("app.analysis.ingest.typing_rules.EXACT_ROWS", 0)
    monkeypatch.setattr("app.analysis.ingest.verify.SAMPLE_ROWS", 200)
    plans, _ = plan_columns(connection, texts, ReadOptions())
    assert [plan.type for plan in plans] == ["id"]
