"""Projects, line by line of the contract."""

import pytest

from app.db.tables import Project, Trash
from app.storage.factory import open_storage
from tests.api.world import assert_problem, register

UNKNOWN = "4be0643f-1d98-473b-97cd-ca98a65347dd"
NO_IDS = [UNKNOWN, "x", "%2e%2e", "%00", "a%2Fb", "'; drop table users --", "é" * 300, "0"]


def test_a_project_is_made_read_changed_and_deleted(world):
    made = world.api.post("/projects", json={"name": " Sales ", "description": "Q3"})
    assert made.status_code == 201
    project = made.json()
    assert set(project) == {"id", "name", "description", "created_at"}
    assert (project["name"], project["description"]) == ("Sales", "Q3")
    assert project["created_at"].endswith("Z")
    path = f"/projects/{project['id']}"
    assert made.headers["Location"] == path
    assert world.api.get(path).json() == project
    changed = world.api.patch(path, json={"description": ""})
    assert changed.status_code == 200
    assert changed.json() == project | {"description": ""}
    assert world.api.patch(path, json={"name": "Sales 2"}).json()["name"] == "Sales 2"
    assert world.api.patch(path, json={}).json() == world.api.get(path).json()
    deleted = world.api.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert_problem(world.api.get(path), 404)
    assert_problem(world.api.delete(path), 404)


def test_a_description_may_be_left_out(world):
    assert world.api.post("/projects", json={"name": "P"}).json()["description"] == ""


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({}, "body.name"),
        ({"name": ""}, "body.name"),
        ({"name": "x" * 101}, "body.name"),
        ({"name": 5}, "body.name"),
        ({"name": None}, "body.name"),
        ({"name": "nul\0"}, "body.name"),
        ({"name": "P", "description": "nul\0"}, "body.description"),
        ({"name": "P", "description": None}, "body.description"),
        ({"name": "P", "description": "x" * 10_001}, "body.description"),
        ({"name": "P", "user_id": UNKNOWN}, "body.user_id"),
        ({"name": "P", "id": UNKNOWN}, "body.id"),
    ],
    ids=str,
)
def test_what_is_wrong_is_422_and_named(world, body, location):
    problem = assert_problem(world.api.post("/projects", json=body), 422)
    assert location in [error["location"] for error in problem["errors"]]
    if "name" in body:
        path = f"/projects/{world.project_id}"
        assert_problem(world.api.patch(path, json=body), 422)


def test_the_list_is_newest_first_in_pages_with_links(server):
    user = register(server)
    for number in range(4):
        user.api.post("/projects", json={"name": f"P{number}"})
    everything = user.api.get("/projects")
    assert [p["name"] for p in everything.json()] == ["P3", "P2", "P1", "P0", "Default"]
    assert everything.headers["X-Total-Count"] == "5"
    assert "Link" not in everything.headers
    page = user.api.get("/projects", params={"limit": 2, "offset": 2})
    assert [p["name"] for p in page.json()] == ["P1", "P0"]
    links = page.links
    assert links["prev"]["url"] == "/projects?limit=2&offset=0"
    following = user.api.get(links["next"]["url"])
    assert [p["name"] for p in following.json()] == ["Default"]
    assert set(following.links) == {"prev"}
    beyond = user.api.get("/projects", params={"offset": 100})
    assert beyond.json() == []
    assert beyond.headers["X-Total-Count"] == "5"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "offset=-1", "limit=1e3", f"offset={10**30}"]
)
def test_a_page_that_cannot_be_is_422(world, query):
    problem = assert_problem(world.api.get(f"/projects?{query}"), 422)
    assert problem["errors"][0]["location"] == f"query.{query.partition('=')[0]}"


@pytest.mark.parametrize("unknown", NO_IDS)
def test_what_does_not_exist_is_404_whatever_it_looks_like(world, unknown):
    path = f"/projects/{unknown}"
    for answer in (
        world.api.get(path),
        world.api.patch(path, json={"name": "x"}),
        world.api.delete(path),
    ):
        assert_problem(answer, 404)


def test_another_users_project_is_not_there(world, stranger):
    foreign, unknown = f"/projects/{world.project_id}", f"/projects/{UNKNOWN}"
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        seen = assert_problem(stranger.api.request(method, foreign, json=body), 404)
        never = assert_problem(stranger.api.request(method, unknown, json=body), 404)
        assert seen | {"instance": unknown} == never
    assert world.api.get(foreign).json()["name"] == "Default"
    assert world.project_id not in [p["id"] for p in stranger.api.get("/projects").json()]
    assert stranger.api.get("/projects").headers["X-Total-Count"] == "1"


def test_a_trailing_slash_changes_nothing(world):
    made = world.api.post("/projects/", json={"name": "slash"})
    assert made.status_code == 201
    answer = world.api.get("/projects/", follow_redirects=False)
    assert answer.json() == world.api.get("/projects").json()
    assert world.api.get(f"/projects/{made.json()['id']}/").status_code == 200


def test_a_request_id_is_echoed_and_made_where_none_came(world):
    given = world.api.get("/projects", headers={"X-Request-ID": "abc-123"})
    assert given.headers["X-Request-ID"] == "abc-123"
    for bad in ("", "x" * 129, "a b", "<script>"):
        made = world.api.get("/projects", headers={"X-Request-ID": bad})
        assert made.headers["X-Request-ID"] not in ("", bad)


def test_deleting_a_project_takes_its_datasets_runs_objects_and_links(fresh, server, database):
    project = fresh.api.post("/projects", json={"name": "short-lived"}).json()["id"]
    dataset = fresh.upload(project_id=project)["dataset_id"]
    run = fresh.start(dataset)
    assert fresh.api.delete(f"/projects/{project}").status_code == 204
    for path in (f"/datasets/{dataset}", f"/runs/{run}/status", f"/runs/{run}/artifacts"):
        assert_problem(fresh.api.get(path), 404)
    for path in ("/datasets", "/runs", "/models"):
        assert fresh.api.get(path).json() == []
    with database.unit(write=False) as unit:
        assert unit.session.get(Project, project) is None
        prefixes = [note.prefix for note in unit.session.query(Trash)]
    assert f"projects/{project}/" not in prefixes
    storage = open_storage(server.settings)
    assert list(storage.list_prefix(storage.bucket, f"projects/{project}/")) == []


def test_an_upload_without_a_project_goes_to_default_even_when_that_is_gone(fresh):
    assert fresh.upload()["project_id"] == fresh.project_id
    assert fresh.api.delete(f"/projects/{fresh.project_id}").status_code == 204
    again = fresh.upload()["project_id"]
    assert again != fresh.project_id
    assert fresh.api.get(f"/projects/{again}").json()["name"] == "Default"
