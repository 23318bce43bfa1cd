"""Fits on more than one machine: a Dask cluster, reached through joblib."""
