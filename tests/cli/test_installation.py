"""``uam migrate`` and ``uam admin create``."""

from __future__ import annotations

from pathlib import Path

from app.config import Settings
from app.db.revisions import head_revision
from app.db.session import Database
from app.db.tables import User
from tests.cli.conftest import Run, one_line


def open_database(home: Path) -> Database:
    return Database(Settings(_env_file=None, uam_home=home, database_url=""))


def test_migrating_is_done_once_and_may_be_repeated(uam: Run, tmp_path: Path) -> None:
    for _ in range(2):
        done = uam("migrate", UAM_HOME=str(tmp_path / "home"))
        assert done.returncode == 0, done.stderr
        assert head_revision() in done.stdout


def test_an_admin_is_made_with_a_password_that_is_shown_once(uam: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = uam("admin", "create", "Ada@Example.com", UAM_HOME=str(home))
    again = uam("admin", "create", "ada@example.com", UAM_HOME=str(home))
    assert (first.returncode, again.returncode) == (0, 0)
    assert "password" in first.stdout
    assert "password" not in again.stdout
    with open_database(home).unit(write=False) as unit:
        users = unit.session.query(User).all()
    assert [(user.email, user.role) for user in users] == [("ada@example.com", "admin")]


def test_what_is_no_address_is_wrong_usage(uam: Run, tmp_path: Path) -> None:
    done = uam("admin", "create", "nobody", UAM_HOME=str(tmp_path / "home"))
    assert done.returncode == 2
    assert "e-mail" in one_line(done.stderr)


def test_the_secret_key_is_made_once_and_private(uam: Run, tmp_path: Path) -> None:
    key = tmp_path / "home" / "secret_key"
    uam("migrate", UAM_HOME=str(tmp_path / "home"))
    kept = key.read_text()
    uam("migrate", UAM_HOME=str(tmp_path / "home"))
    assert key.read_text() == kept
    assert key.stat().st_mode & 0o777 == 0o600
