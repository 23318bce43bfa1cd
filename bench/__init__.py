"""Figures, measured side by side; nothing here is a test."""
