"""Trained models: registered by runs, listed, asked for predictions, deleted."""
