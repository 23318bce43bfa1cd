"""What the compose file promises, read from the file itself."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import Settings

ROOT = Path(__file__).resolve().parents[2]
OWN = ("migrate", "web", "worker", "beat")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def test_has_the_services_that_were_asked_for(compose: dict[str, Any]) -> None:
    assert {"postgres", "redis", "minio", "web", "worker"} <= set(compose["services"])


def test_every_lasting_service_is_checked(compose: dict[str, Any]) -> None:
    lasting = {name: s for name, s in compose["services"].items() if name != "migrate"}
    assert [name for name, s in lasting.items() if "test" not in s.get("healthcheck", {})] == []


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_waits_for_the_servers_and_for_the_migrations(compose: dict[str, Any], name: str) -> None:
    waits = compose["services"][name]["depends_on"]
    conditions = {other: how["condition"] for other, how in waits.items()}
    assert conditions == {
        "postgres": "service_healthy",
        "redis": "service_healthy",
        "minio": "service_healthy",
        "migrate": "service_completed_successfully",
    }


@pytest.mark.parametrize("name", OWN)
def test_own_containers_can_do_little(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_refuses_to_start_without_a_secret_key(compose: dict[str, Any]) -> None:
    assert compose["services"]["web"]["environment"]["SECRET_KEY"].startswith("${SECRET_KEY:?")


def test_publishes_nothing_beyond_this_machine_unless_told(compose: dict[str, Any]) -> None:
    published = [port for s in compose["services"].values() for port in s.get("ports", [])]
    assert published
    assert [port for port in published if "127.0.0.1:" not in port] == []


def test_hands_on_every_setting(compose: dict[str, Any]) -> None:
    # The first is the image's own, the second is for tests only.
    handed = set(compose["services"]["worker"]["environment"])
    assert setting_names() - {"UAM_HOME", "UAM_FAIL"} == handed


def test_every_variable_with_a_default_has_the_default_of_the_code() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    defaults = dict(re.findall(r"^  ([A-Z_]+): \$\{\1:-([^}]*)\}$", text, re.MULTILINE))
    # On real servers these differ from the embedded default on purpose.
    chosen = {name: value for name, value in defaults.items() if not is_server(name)}
    environment = {field_of(name): value for name, value in chosen.items() if value}
    plain = Settings(_env_file=None)  # type: ignore[call-arg]
    told = Settings(_env_file=None, **environment)  # type: ignore[call-arg,arg-type]
    assert told.model_dump(exclude={"log_format"}) == plain.model_dump(exclude={"log_format"})


def is_server(name: str) -> bool:
    return name.startswith(("MINIO_", "DATABASE_", "REDIS_"))


def field_of(name: str) -> str:
    lower = name.lower()
    return lower if lower in Settings.model_fields else lower.removeprefix("uam_")


def setting_names() -> set[str]:
    names = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names.add(str(alias.choices[0]) if alias is not None else name.upper())  # type: ignore[union-attr]
    return names
