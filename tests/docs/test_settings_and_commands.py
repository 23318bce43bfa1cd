"""What the documents say about settings, options and commands is what the code has."""

import re
from pathlib import Path

import pytest

from app.analysis.automl.options import OPTIONS
from app.config import EXAMPLE_SECRETS, ConfigurationError, Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
SPECIFIED = {
    "DATABASE_URL": "postgresql://uam:uam_pass@postgres:5432/uam_db",
    "REDIS_URL": "redis://redis:6379/0",
    "MINIO_ENDPOINT": "minio:9000",
    "MINIO_ACCESS_KEY": "minioadmin",
    "MINIO_SECRET_KEY": "minioadmin",
    "MINIO_BUCKET": "artifacts",
    "SECRET_KEY": "<strong-secret>",
    "ALGORITHM": "HS256",
    "ACCESS_TOKEN_EXPIRE_MINUTES": "30",
}


def setting_names() -> list[str]:
    names = []
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names.append(str(alias.choices[0]) if alias is not None else name.upper())  # type: ignore[union-attr]
    return names


def example_values() -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


@pytest.mark.parametrize("name", setting_names())
def test_setting_is_documented(name: str) -> None:
    assert re.search(rf"^(# )?{name}=", EXAMPLE, re.MULTILINE), f"{name} is not in .env.example"
    assert f"`{name}`" in README


def test_the_example_begins_with_the_values_that_were_specified() -> None:
    values = example_values()
    assert {name: values.get(name) for name in SPECIFIED} == SPECIFIED


def test_the_example_names_no_setting_that_does_not_exist() -> None:
    named = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE))
    compose = (ROOT / "docker-compose.yml").read_text()
    unknown = {n for n in named - set(setting_names()) if f"${{{n}:" not in compose}
    assert unknown == set()


def test_uam_does_not_start_with_the_example_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SPECIFIED["SECRET_KEY"] in EXAMPLE_SECRETS
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text(EXAMPLE)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load_settings()


def test_the_compose_database_is_the_one_that_the_example_names() -> None:
    values = example_values()
    made = f"{values['POSTGRES_USER']}:{values['POSTGRES_PASSWORD']}@postgres:5432/"
    assert made + values["POSTGRES_DB"] in values["DATABASE_URL"]


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "serve", "setup", "test"} <= named
    assert named <= targets


def test_the_guide_lists_every_run_option() -> None:
    guide = (ROOT / "docs/guide.md").read_text()
    table = guide[guide.index("| option | meaning |") :].split("\n\n", 1)[0]
    listed = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row[:40])}
    assert {option.name for option in OPTIONS} <= listed


@pytest.mark.parametrize(
    "path", ["README.md", *(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]
)
def test_links_to_files_lead_somewhere(path: str) -> None:
    page = ROOT / path
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []
