"""The states of a run, its stages, and how they follow from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "PENDING",
    "RUNNING",
    "PREPROCESSED",
    "EDA_COMPLETED",
    "TRAINED",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
]
UNFINISHED: tuple[Status, ...] = ("PENDING", "RUNNING", "PREPROCESSED", "EDA_COMPLETED", "TRAINED")
TERMINAL: tuple[Status, ...] = ("COMPLETED", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class Stage:
    """One stage: its task's name, the status that its end brings, its share of the bar."""

    task: str
    done: Status
    start_percent: float
    end_percent: float
    title: str


STAGES: tuple[Stage, ...] = (
    Stage("preprocess_data", "PREPROCESSED", 0, 10, "cleaning"),
    Stage("run_eda", "EDA_COMPLETED", 10, 30, "exploring"),
    Stage("train_models", "TRAINED", 30, 90, "training"),
    Stage("finalize_run", "COMPLETED", 90, 100, "reporting"),
)


def stage_index(task: str) -> int:
    """The place of a task in the chain. Raises ``KeyError`` for an unknown one."""
    for index, stage in enumerate(STAGES):
        if stage.task == task:
            return index
    raise KeyError(task)
