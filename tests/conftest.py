"""Fixtures of every folder: the real servers, started when a test first asks for one."""

from hypothesis import settings

pytest_plugins = ("tests.services.servers",)

# The same examples on every machine and day: a test that fails does so for the change at hand.
# Without it Hypothesis looks for new ones in each run. A busy machine is no reason to fail.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
