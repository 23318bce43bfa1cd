"""The reports of finished runs."""
