"""Fixtures of every folder: the real servers, started when a test first asks for one."""

pytest_plugins = ("tests.services.servers",)
