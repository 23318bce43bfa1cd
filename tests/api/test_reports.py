"""Reports: there when the run has ended, in every form."""

from __future__ import annotations

import io
import uuid

import pytest
from pypdf import PdfReader

from tests.api.world import World, assert_problem


@pytest.fixture(scope="module")
def run_id(world: World) -> str:
    started = world.start(world.upload()["dataset_id"], target="price", time_budget_s=5)
    assert world.wait(started)["status"] == "COMPLETED"
    return started


def generate(world: World, run_id: str, format: str) -> str:
    answer = world.api.post("/reports/generate", json={"run_id": run_id, "format": format})
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "COMPLETED"
    return str(answer.json()["report_id"])


def fetch(world: World, report_id: str) -> bytes:
    """The report by its redirect; the link itself needs no token."""
    answer = world.api.get(f"/reports/{report_id}/download")
    assert answer.status_code == 307, answer.text
    found = world.server.client().get(answer.headers["location"])
    assert found.status_code == 200
    assert found.headers["content-disposition"].startswith("attachment")
    return found.content


def test_the_markdown_begins_with_a_title(world: World, run_id: str) -> None:
    text = fetch(world, generate(world, run_id, "md")).decode()
    assert text.startswith("# ")
    assert "price" in text


def test_the_page_is_whole(world: World, run_id: str) -> None:
    page = fetch(world, generate(world, run_id, "html")).decode()
    assert page.lstrip().lower().startswith("<!doctype html")
    assert "</html>" in page


def test_the_pdf_has_pages(world: World, run_id: str) -> None:
    reader = PdfReader(io.BytesIO(fetch(world, generate(world, run_id, "pdf"))))
    assert len(reader.pages) >= 3


def test_a_report_is_made_once(world: World, run_id: str) -> None:
    assert generate(world, run_id, "pdf") == generate(world, run_id, "pdf")


def test_a_report_tells_its_facts(world: World, run_id: str) -> None:
    report_id = generate(world, run_id, "html")
    report = world.api.get(f"/reports/{report_id}").json()
    assert (report["report_id"], report["run_id"]) == (report_id, run_id)
    assert (report["format"], report["status"]) == ("html", "COMPLETED")
    found = world.server.client().get(report["download_url"])
    assert len(found.content) == report["size_bytes"]


def test_a_run_that_has_not_ended_has_no_report(fresh: World) -> None:
    run_id = fresh.start(fresh.upload()["dataset_id"], target="price", time_budget_s=60)
    body = {"run_id": run_id, "format": "pdf"}
    assert_problem(fresh.api.post("/reports/generate", json=body), 409)
    fresh.api.post(f"/runs/{run_id}/cancel")
    assert fresh.wait(run_id)["status"] == "CANCELLED"
    assert (
        "CANCELLED" in assert_problem(fresh.api.post("/reports/generate", json=body), 409)["detail"]
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"run_id": "x"},
        {"run_id": "x", "format": "docx"},
        {"run_id": 1, "format": "pdf"},
        {"run_id": "x", "format": "pdf", "more": 1},
    ],
)
def test_a_malformed_request_is_refused(world: World, body: dict[str, object]) -> None:
    assert_problem(world.api.post("/reports/generate", json=body), 422)


def test_foreign_and_unknown_reports_answer_alike(
    world: World, stranger: World, run_id: str
) -> None:
    report_id = generate(world, run_id, "pdf")
    for unknown in (report_id, str(uuid.uuid4()), "x"):
        for path in (f"/reports/{unknown}", f"/reports/{unknown}/download"):
            assert_problem(stranger.api.get(path), 404)
    for unknown in (run_id, str(uuid.uuid4())):
        body = {"run_id": unknown, "format": "pdf"}
        assert_problem(stranger.api.post("/reports/generate", json=body), 404)


def test_another_artifact_is_no_report(world: World, run_id: str) -> None:
    artifacts = world.api.get(f"/runs/{run_id}/artifacts", params={"type": "profile"}).json()
    assert artifacts
    assert_problem(world.api.get(f"/reports/{artifacts[0]['id']}"), 404)
