"""UAM, the Universal Analyst Model: a table in, an analyst's work out."""

__version__ = "0.1.0"
