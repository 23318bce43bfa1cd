"""The use case of questions: answered by a child that holds this one table and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.auth.principal import Principal
from app.core.child_errors import ChildError
from app.core.problems import Gone, Problem, Unprocessable
from app.core.sandbox_pool import PredictorPool
from app.datasets.service import get_dataset
from app.db.tables import Dataset
from app.resources import Resources
from app.storage.base import ObjectMissing, StorageCorrupted
from app.storage.cache import open_cache

ASK = "app.analysis.questions.jobs:ask"
ASK_TIMEOUT_S = 20.0
ASK_MEMORY_MB = 1536
CACHE_BYTES = 4 * 1024**3

# Children of their own: a question that runs into its deadline must not hold up predictions.
_askers = PredictorPool(size=2, memory_mb=ASK_MEMORY_MB)


def ask(held: Resources, user: Principal, dataset_id: str, question: str) -> dict[str, Any]:
    """Answer a question about a dataset, or say that it is not one that UAM answers.

    Raises :class:`app.core.problems.NotFound`, :class:`Gone` when the stored table is missing
    and :class:`Unprocessable` when the answer takes too long or too much memory.
    """
    with held.database.unit(write=False) as unit:
        dataset = get_dataset(unit, user, dataset_id)
    params = {
        "source": str(_local_table(held, dataset)),
        "columns": dataset.columns_json,
        "question": question,
        "dataset": dataset.filename,
    }
    try:
        return _askers.call(ASK, params, timeout_s=ASK_TIMEOUT_S)
    except ChildError as error:
        raise _problem(error) from None


def _local_table(held: Resources, dataset: Dataset) -> Path:
    cache = open_cache(held.settings.uam_home / "cache" / "tables", CACHE_BYTES)
    try:
        return cache.path_for(held.storage, held.settings.minio_bucket, dataset.storage_key)
    except ObjectMissing:
        raise Gone("The stored table of this dataset is missing.") from None
    except StorageCorrupted:
        raise Gone("The stored table of this dataset was changed; it is not read.") from None


def _problem(error: ChildError) -> Problem:
    if error.code in {"timeout", "out_of_memory"}:
        why = f"The question could not be answered: {error.message}."
    elif error.code in {"crashed", "killed"}:
        why = "The question could not be answered: its process broke down."
    else:
        why = error.message
    return Unprocessable(why, errors=[{"location": "body.question", "message": why}])
