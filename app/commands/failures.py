"""How a command tells that it could not do its work."""

from __future__ import annotations


class WorkFailed(Exception):
    """The work failed: exit code 1, and this one line on stderr."""


class WrongUsage(Exception):
    """The command line is wrong whatever the data are: exit code 2."""
