"""Profile: a dataset's statistics, associations and alerts, and the charts that show them.

``jobs`` holds what a caller runs; ``document`` computes the profile; ``source`` reads the
Parquet file a few columns at a time; ``page`` writes ``profile.html``.
"""
