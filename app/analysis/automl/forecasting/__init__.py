"""Forecasts: one or many series in one table, foretold with intervals."""
