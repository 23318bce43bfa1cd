"""The console, used as a person uses it."""

import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
FLIGHTS = Path(__file__).resolve().parents[2] / "examples" / "flights.csv"


def register(page: Page) -> None:
    card = page.get_by_role("region", name="Create an account")
    card.get_by_label("Name").fill("Ada")
    card.get_by_label("E-mail").fill(f"ada-{uuid.uuid4().hex}@example.org")
    card.get_by_label("Password").fill("correct horse battery")
    card.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Drop a table here")).to_be_visible()


def upload(page: Page, path: Path) -> None:
    page.set_input_files("#file", path)
    expect(page.get_by_role("heading", name=path.name)).to_be_visible()


def some_flights(folder: Path, rows: int = 400) -> Path:
    lines = FLIGHTS.read_text(encoding="utf-8").splitlines()[: rows + 1]
    path = folder / "some flights.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_from_a_file_to_a_prediction(page: Page, tmp_path: Path) -> None:
    register(page)
    upload(page, some_flights(tmp_path))
    expect(page.get_by_text("400 rows × 19 columns")).to_be_visible()
    expect(page.get_by_label("Type of origin")).to_have_value("categorical")
    expect(page.locator("main")).not_to_contain_text("null")

    page.get_by_label("Question").fill("how many rows are there?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".answer")).to_contain_text("400")

    page.get_by_label("What should be predicted?").select_option("arrived_late")
    page.get_by_label("Seconds of training").fill("5")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".log li").nth(1)).to_be_visible()
    # The list at the start follows it, too.
    page.get_by_role("link", name="UAM").click()
    runs = page.get_by_role("region", name="Runs")
    expect(runs.locator(".status")).to_have_text("COMPLETED")
    expect(runs).to_contain_text("100 %")
    runs.get_by_role("link").click()
    expect(page.locator(".steps .past")).to_have_count(4)
    # How many candidates there are is a matter of the machine; the baseline is always one.
    board = page.get_by_role("region", name="Leaderboard").locator("tbody tr")
    expect(board.filter(has_text="Baseline")).to_be_visible()
    expect(board.nth(1)).to_be_visible()
    expect(page.get_by_role("link", name="report.pdf")).to_be_visible()
    expect(page.locator(".gallery figure").nth(7)).to_be_attached()
    page.locator(".gallery figure").first.scroll_into_view_if_needed()
    expect(page.locator(".gallery .main-svg").first).to_be_visible()

    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".chances meter")).to_have_count(2)

    page.reload()
    expect(page.locator(".status")).to_have_text("COMPLETED")
    expect(page.locator(".log li").first).to_be_visible()


def test_a_forecast_goes_as_far_as_it_was_asked_to(page: Page, tmp_path: Path) -> None:
    register(page)
    months = [f"{2015 + n // 12}-{n % 12 + 1:02d},{100 + n + 20 * (n % 12)}" for n in range(72)]
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(["month,sales", *months]) + "\n", encoding="utf-8")
    upload(page, path)
    page.get_by_label("What should be predicted?").select_option("sales")
    page.get_by_label("Seconds of training").fill("5")
    page.get_by_text("Forecast it over time").click()
    page.get_by_label("Steps to foretell").fill("6")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("spinbutton", name="Steps ahead")).to_have_value("6")
    page.get_by_role("button", name="Forecast").click()
    rows = page.get_by_role("region", name="Forecast").locator("tbody tr")
    expect(rows).to_have_count(6)
    expect(rows.first).to_contain_text("2021-01")


def test_a_long_upload_shows_how_much_is_sent(page: Page, tmp_path: Path) -> None:
    register(page)
    path = tmp_path / "long.csv"
    path.write_text("number\n" + "\n".join(map(str, range(60_000))) + "\n", encoding="utf-8")
    line = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 150_000}
    line.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("#file", path)
    expect(page.get_by_role("progressbar", name="Sent so far")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("%")
    expect(page.get_by_role("heading", name="long.csv")).to_be_visible()


def test_a_newer_file_makes_a_version(page: Page, tmp_path: Path) -> None:
    def people(first: int, count: int) -> Path:
        path = tmp_path / f"people {first}.csv"
        lines = [f"user{n}@example.org,{n * 7 % 11}" for n in range(first, first + count)]
        path.write_text("\n".join(["mail,visits", *lines]) + "\n", encoding="utf-8")
        return path

    register(page)
    upload(page, people(0, 60))
    expect(page.get_by_text("sensitive: e-mail addresses")).to_be_visible()
    card = page.locator("section", has=page.get_by_role("heading", name="Versions"))
    card.get_by_text("Send a newer file").click()
    card.get_by_label("A newer file").set_input_files(people(60, 40))
    card.get_by_label("Its rows go").select_option("append")
    card.get_by_role("button", name="Send").click()
    expect(page.get_by_text("100 rows × 2 columns")).to_be_visible()
    rows = page.get_by_role("region", name="Versions").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("behind the last")

    page.get_by_label("What should be predicted?").select_option("visits")
    page.get_by_label("Seconds of training").fill("5")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".facts").first).to_contain_text(", version 2")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".status")).to_have_text("CANCELLED")

    page.go_back()
    wide = tmp_path / "other.csv"
    wide.write_text("mail,other\na@example.org,1\n", encoding="utf-8")
    card.get_by_text("Send a newer file").click()
    card.get_by_label("A newer file").set_input_files(wide)
    card.get_by_label("Its rows go").select_option("append")
    card.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("visits")


def test_what_changed_since_another_table_or_version(page: Page, tmp_path: Path) -> None:
    """Schema, drift and new values, in words and numbers; names from a file stay text."""
    evil = "<b onclick=alert(1)>"

    def orders(name: str, last: str, cities: list[str], price: int) -> Path:
        rows = [f"{cities[n % len(cities)]},{price + n % 9},{n % 4}" for n in range(240)]
        path = tmp_path / name
        path.write_text("\n".join([f"city,price,{last}", *rows]) + "\n", encoding="utf-8")
        return path

    register(page)
    upload(page, orders("last year.csv", "rating", ["Oslo", "Bergen"], 10))
    card = page.locator("section", has=page.get_by_role("heading", name="What changed"))
    expect(card).to_contain_text("Send another table")
    page.goto("/")
    upload(page, orders("this year.csv", "stars", ["Oslo", "Bergen", evil], 14))
    card.get_by_label("Since which table or version?").select_option(
        label="last year.csv, 240 rows"
    )
    card.get_by_role("button", name="Compare").click()
    columns = page.get_by_role("region", name="What the columns hold").locator("tbody tr")
    expect(columns.filter(has_text="price")).to_contain_text("strong")
    expect(columns.filter(has_text="city")).to_contain_text(f"1: {evil}")
    schema = page.get_by_role("region", name="Columns that came, went or changed")
    expect(schema.locator("tbody tr").filter(has_text="stars")).to_contain_text("new")
    expect(schema.locator("tbody tr").filter(has_text="rating")).to_contain_text("gone")

    versions = page.locator("section", has=page.get_by_role("heading", name="Versions"))
    versions.get_by_text("Send a newer file").click()
    newer = orders("newer.csv", "stars", ["Oslo", "Bergen", evil], 14)
    versions.get_by_label("A newer file").set_input_files(newer)
    versions.get_by_role("button", name="Send").click()
    expect(page.locator(".facts").first).to_contain_text(", version 2")
    card.get_by_label("Since which table or version?").select_option(
        label="version 1: this year.csv, 240 rows"
    )
    card.get_by_role("button", name="Compare").click()
    expect(card).to_contain_text("No column differs by more than chance and habit.")
    expect(card).to_contain_text("3 columns hold what was there before.")


def test_tells_what_is_wrong_with_a_file(page: Page, tmp_path: Path) -> None:
    register(page)
    broken = tmp_path / "picture.csv"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    page.set_input_files("#file", broken)
    alert = page.get_by_role("alert").locator("p")
    expect(alert).to_be_visible()
    assert len(alert.inner_text()) > 10
    page.get_by_role("button", name="Close").click()
    expect(alert).to_have_count(0)


def test_tells_that_a_password_is_wrong(page: Page) -> None:
    card = page.get_by_role("region", name="Sign in")
    card.get_by_label("E-mail").fill("nobody@example.org")
    card.get_by_label("Password").fill("not the password")
    card.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).not_to_be_empty()


def test_names_and_values_of_a_file_are_text(page: Page, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    rows = [f'"{evil}",{number}' for number in range(30)]
    path = tmp_path / "evil.csv"
    path.write_text("\n".join([f'"{evil}",number', *rows]) + "\n", encoding="utf-8")
    register(page)
    upload(page, path)
    expect(page.get_by_role("cell", name=evil).first).to_be_visible()
    assert page.locator("main img").count() == 0


def test_everything_that_can_be_filled_in_has_a_name(page: Page, tmp_path: Path) -> None:
    register(page)
    upload(page, some_flights(tmp_path, 50))
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input, select, button")]
             .filter((one) => !one.labels?.length && !one.ariaLabel && !one.textContent.trim())
             .map((one) => one.outerHTML)"""
    )
    assert nameless == []


def test_signing_out_forgets_everything(page: Page) -> None:
    register(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("region", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('uam-session')") is None
