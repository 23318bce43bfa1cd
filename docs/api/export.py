"""Write ``openapi.json`` and ``uam.postman_collection.json`` from the application itself.

Usage: ``python docs/api/export.py [--check]``; with ``--check`` nothing is written and the exit
code is 1 when a file is not what the application says.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from postman import collection

from app.config import Settings
from app.main import create_app

HERE = Path(__file__).resolve().parent


def openapi() -> dict[str, Any]:
    """The OpenAPI document of this version, whatever the environment says."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(_env_file=None, uam_home=Path(home), secret_key="", database_url="")  # type: ignore[call-arg]
        return create_app(settings).openapi()


def documents() -> dict[Path, str]:
    """Each exported file and its text."""
    api = openapi()
    files = {"openapi.json": api, "uam.postman_collection.json": collection(api)}
    return {
        HERE / name: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, document in files.items()
    }


def main() -> int:
    """Write the files, or check them; returns the exit code."""
    stale = [
        path
        for path, text in documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.name} is not up to date: run docs/api/export.py", file=sys.stderr)
        return 1 if stale else 0
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
