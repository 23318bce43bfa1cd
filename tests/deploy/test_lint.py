"""Every file of the deployment, by the linter or schema that its own world uses."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.compose-spec", "docker-compose.yml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
    ],
)
def test_fits_its_schema(schema: str, path: str) -> None:
    done = run(str(BIN / "check-jsonschema"), "--builtin-schema", schema, path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = run(str(BIN / "hadolint"), "deploy/Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_dockerfile_builds_without_what_simple_builders_lack() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text()
    assert "<<" not in text
    assert "--link" not in text
    # Every stage begins from the one base image that the build argument names.
    starts = [line.split()[1] for line in text.splitlines() if line.startswith("FROM")]
    assert starts == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]


def test_everything_the_dockerfile_copies_reaches_the_builder() -> None:
    allowed = {
        line.removeprefix("!").rstrip("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied: set[str] = set()
    for line in (ROOT / "deploy/Dockerfile").read_text().splitlines():
        if line.startswith("COPY") and "--from" not in line:
            copied |= {word.rstrip("/") for word in line.split()[1:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
