"""A unit of work that fails leaves nothing behind, in the database or in what was added."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app.config import Settings
from app.db.migrate import migrate
from app.db.session import DATABASE_AWAY, Database
from app.db.tables import User


@pytest.fixture
def database(tmp_path):
    opened = Database(Settings(uam_home=tmp_path, _env_file=None))
    migrate(opened)
    yield opened
    opened.dispose()


def test_what_was_added_in_a_unit_that_failed_can_be_added_again(database):
    user = User(name="A", email="a@example.org", password_hash="x", created_at=datetime.now(UTC))
    with pytest.raises(DATABASE_AWAY), database.unit() as unit:
        unit.session.add(user)
        unit.session.flush()
        unit.session.execute(text("SELECT * FROM nothing_of_the_kind"))
    with database.unit() as unit:
        unit.session.add(user)
    with database.unit(write=False) as unit:
        assert unit.session.get_one(User, user.id).email == "a@example.org"
