"""The analyst: a plain library. Tables and values in, values out.

It knows no web, no database, no queue and no user. Importing this package, ``errors`` or
``schema`` loads nothing heavy; the rooms below it (``ingest``, ``profile``, ``automl`` …)
load pandas and the like, and are meant to run in a child process.
"""
