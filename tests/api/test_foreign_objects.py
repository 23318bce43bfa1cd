"""Another user's object answers as one that does not exist: the same status and the same words."""

import uuid

import pytest

from tests.api.estate import RUN_KEY
from tests.api.routes import OPERATIONS
from tests.api.world import EXAMPLE_CSV, assert_problem

OWNED = [
    operation
    for operation in OPERATIONS
    if "_id}" in operation.path and not operation.path.startswith("/admin")
]
# Whole bodies, so that nothing but the id can be what is refused.
BODIES = {
    "PATCH /projects/{project_id}": {"json": {"name": "taken over"}},
    "PATCH /datasets/{dataset_id}": {"json": {"filename": "taken.csv"}},
    "POST /models/{model_id}/predict": {"json": {"rows": [{"city": "Bonn", "size": 50}]}},
    "POST /projects/{project_id}/predict": {"json": {"target": "price", "rows": [{}]}},
}
LISTS = ["/projects", "/datasets", "/runs", "/models", "/auth/api-keys"]


def told(answer, *ids):
    """What an answer tells, without the ids that were asked for."""
    text = answer.text
    for one in ids:
        text = text.replace(one, "ID")
    kept = {name: answer.headers.get(name) for name in ("content-type", "etag", "location", "link")}
    return answer.status_code, text, kept


@pytest.mark.parametrize("operation", OWNED, ids=str)
def test_a_path_tells_a_stranger_nothing(estate, stranger, operation):
    random = {name: str(uuid.uuid4()) for name in estate.ids}
    body = BODIES.get(str(operation), operation.body())
    answers = [
        stranger.api.request(operation.method, operation.url(**ids), **body)
        for ids in (estate.ids, random)
    ]
    assert_problem(answers[0], 404)
    assert told(answers[0], *estate.ids.values()) == told(answers[1], *random.values())


@pytest.mark.parametrize("operation", [each for each in OWNED if each.method == "GET"], ids=str)
def test_the_same_path_is_there_for_its_owner(estate, operation):
    # Without this the test above would pass for an estate that does not exist.
    with estate.owner.api.stream("GET", operation.url(**estate.ids)) as answer:
        assert answer.status_code != 404


def test_half_of_a_pair_is_not_enough(estate, stranger):
    own = stranger.upload()["dataset_id"]
    foreign = estate.ids["dataset_id"]
    for one, other in ((own, foreign), (foreign, own)):
        assert_problem(stranger.api.get(f"/datasets/{one}/compare/{other}"), 404)


@pytest.mark.parametrize("path", ["/datasets", "/runs", "/models"])
def test_a_list_of_a_foreign_project_is_not_there(estate, stranger, path):
    foreign, random = estate.ids["project_id"], str(uuid.uuid4())
    answers = [stranger.api.get(path, params={"project_id": one}) for one in (foreign, random)]
    assert_problem(answers[0], 404)
    assert told(answers[0], foreign) == told(answers[1], random)


def test_a_list_shows_and_counts_ones_own_alone(server, estate, fresh):
    owned = set(estate.ids.values())
    for path in LISTS:
        answer = fresh.api.get(path, params={"limit": 500})
        assert answer.headers["X-Total-Count"] == ("1" if path == "/projects" else "0")
        assert not owned & {
            value for row in answer.json() for value in row.values() if isinstance(value, str)
        }


def test_an_id_inside_a_body_tells_a_stranger_nothing(estate, stranger):
    own = stranger.upload()["dataset_id"]
    ids = estate.ids

    def bodies(dataset, project, run):
        yield "/runs/start", {"json": {"dataset_id": dataset, "options": {}}}
        yield "/runs/start", {"json": {"dataset_id": own, "project_id": project}}
        yield "/runs/start", {"json": {"dataset_id": dataset, "project_id": stranger.project_id}}
        yield "/nlq", {"json": {"dataset_id": dataset, "question": "How many rows are there?"}}
        yield "/reports/generate", {"json": {"run_id": run, "format": "pdf"}}
        file = {"file": ("a.csv", EXAMPLE_CSV)}
        yield "/datasets/upload", {"files": file, "data": {"project_id": project}}

    random = [str(uuid.uuid4()) for _ in range(3)]
    foreign = [ids["dataset_id"], ids["project_id"], ids["run_id"]]
    before = stranger.api.get("/datasets").headers["X-Total-Count"]
    for (path, asked), (_, unknown) in zip(bodies(*foreign), bodies(*random), strict=True):
        answers = [stranger.api.post(path, **body) for body in (asked, unknown)]
        assert_problem(answers[0], 404)
        assert told(answers[0], *foreign) == told(answers[1], *random)
    assert stranger.api.get("/datasets").headers["X-Total-Count"] == before
    assert stranger.api.get("/runs").json() == []


def test_a_dataset_named_in_the_options_is_looked_up_as_ones_own(estate, stranger):
    own = stranger.upload()["dataset_id"]
    answers = []
    for dataset in (estate.ids["dataset_id"], str(uuid.uuid4())):
        options = {"target": "price", "test_dataset_id": dataset}
        body = {"dataset_id": own, "options": options}
        answers.append(told(stranger.api.post("/runs/start", json=body), dataset))
    assert answers[0] == answers[1]
    assert answers[0][0] in {404, 422}


def test_an_idempotency_key_is_its_users_alone(estate, fresh):
    dataset = fresh.upload()["dataset_id"]
    body = {"dataset_id": dataset, "options": {"target": "price", "time_budget_s": 5}}
    started = fresh.api.post("/runs/start", json=body, headers={"Idempotency-Key": RUN_KEY})
    assert started.status_code == 202
    assert started.json()["run_id"] != estate.ids["run_id"]
    fresh.api.delete(f"/runs/{started.json()['run_id']}")


def test_everything_is_still_there_when_the_stranger_has_tried(estate, stranger):
    for operation in OWNED:
        if operation.method == "DELETE":
            assert_problem(stranger.api.delete(operation.url(**estate.ids)), 404)
    owner = estate.owner.api
    assert owner.get(f"/datasets/{estate.ids['dataset_id']}").json()["filename"] == "data.csv"
    assert owner.get(f"/runs/{estate.ids['run_id']}/status").json()["status"] == "COMPLETED"
    assert owner.get(f"/models/{estate.ids['model_id']}").status_code == 200
    assert owner.get(f"/projects/{estate.ids['project_id']}").json()["name"] == "Default"
    assert len(owner.get("/auth/api-keys").json()) == 1


def test_an_administrator_sees_the_accounts_and_not_what_they_own(estate, admin):
    for operation in OWNED:
        if operation.method == "GET":
            assert_problem(admin.api.get(operation.url(**estate.ids)), 404)
