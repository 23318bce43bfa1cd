"""Estimators: one small interface, and an adapter for each family of models."""
