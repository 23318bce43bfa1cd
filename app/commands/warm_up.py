"""A child's own side: libraries loaded ahead of the work, while another child is busy."""

from __future__ import annotations

import importlib
from typing import Any

from app.analysis.progress import Progress


def load(*, module: str, progress: Progress) -> dict[str, Any]:  # noqa: ARG001
    """Import a module of the analyst, and so what it is built on."""
    importlib.import_module(module)
    return {}
