"""The Celery application of the worker: ``celery -A app.workers.celery_app worker`` works too."""

from __future__ import annotations

from app.core import queue
from app.workers import intake, tasks

intake.install()
celery_app = queue.celery()
tasks.register(celery_app)
