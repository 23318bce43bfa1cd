"""Files of any format in, one typed Parquet dataset out; cleaning and export beside it.

Nothing is imported here: :mod:`app.analysis.ingest.jobs` is the door for child processes.
"""
