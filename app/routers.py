"""Every router."""

from __future__ import annotations

from fastapi import APIRouter

from app.admin.router import router as admin
from app.auth.router import router as auth
from app.datasets.router import router as datasets
from app.nlq.router import router as nlq
from app.operations.router import router as operations
from app.projects.router import router as projects
from app.registry.router import router as registry
from app.reports.router import router as reports
from app.runs.router import router as runs

# Paths are compared one after the other: what is asked most often comes first.
ROUTERS: tuple[APIRouter, ...] = (
    registry,
    runs,
    auth,
    projects,
    datasets,
    reports,
    nlq,
    admin,
    operations,
)

# The order in which the documentation shows them.
SHOWN = (
    "auth",
    "projects",
    "datasets",
    "runs",
    "models",
    "reports",
    "questions",
    "admin",
    "operations",
)
