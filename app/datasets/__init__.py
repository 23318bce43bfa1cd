"""Datasets: uploaded, previewed, re-typed, profiled, downloaded, deleted."""
