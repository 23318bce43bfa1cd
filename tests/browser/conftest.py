"""A real server and a real browser; nothing is imitated."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from demo_server import DemoServer  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# A browser comes from the system (Debian: apt install chromium). Without one this folder is left
# out, and the head of the report says so.
collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]

# How fast an answer comes is not what these tests are about, and a machine may be busy.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_report_header() -> str:
    return f"browser: {CHROMIUM or 'none found, tests/browser is left out'}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with DemoServer(tmp_path_factory.mktemp("uam")) as running:
        yield running.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """The console, just opened. No script may fail and no policy may be broken in it."""
    context = browser.new_context(base_url=server)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        # A refused request is told on the page; the browser's own line about it is no fault.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    opened.on("console", complain)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    opened.goto("/")
    yield opened
    context.close()
    assert complaints == []
