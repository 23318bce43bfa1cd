"""Draw the pictures of this folder anew, from the example data.

Usage: ``python docs/pictures/draw.py``; takes Chromium for the pages, and half a minute.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from app.analysis.ingest.jobs import ingest
from app.analysis.profile.jobs import explore
from app.analysis.progress import silent

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "examples" / "flights.csv"
TARGET = "arrived_late"
CHARTS = 6
WIDTH, HEIGHT = 900, 1_150
COLORS = 64
"""Colours that a picture keeps: it takes a fifth of the room, and no eye sees it."""


def main() -> None:
    """Write ``profile.png``, ``profile-dark.png`` and ``charts.png``."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        read, drawn = folder / "read", folder / "drawn"
        read.mkdir()
        facts = ingest(
            source=str(EXAMPLE),
            filename=EXAMPLE.name,
            out_dir=str(read),
            options={},
            max_unpacked_bytes=2**40,
            progress=silent,
        )
        drawn.mkdir()
        found = explore(
            source=str(read / "data.parquet"),
            out_dir=str(drawn),
            columns=facts["columns"],
            dataset={"name": EXAMPLE.name, "size_bytes": EXAMPLE.stat().st_size},
            target=TARGET,
            seed=0,
            memory_mb=None,
            progress=silent,
        )
        kinds = {chart["kind"]: chart["name"] for chart in reversed(found["charts"])}
        names = list(kinds.values())[-CHARTS:]
        sheet([drawn / "charts" / f"{name}.png" for name in reversed(names)], HERE / "charts.png")
        for scheme, picture in ((1, "profile.png"), (0, "profile-dark.png")):
            photograph(drawn / "profile.html", scheme, HERE / picture)


def photograph(page: Path, scheme: int, picture: Path) -> None:
    """A page as a browser shows it first; ``scheme`` is Chromium's: 0 dark, 1 light."""
    with tempfile.TemporaryDirectory() as home:
        shot = Path(home) / "shot.png"
        subprocess.run(
            [
                shutil.which("chromium") or "chromium",
                *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                f"--user-data-dir={home}",
                f"--window-size={WIDTH},{HEIGHT}",
                f"--blink-settings=preferredColorScheme={scheme}",
                f"--screenshot={shot}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        keep(Image.open(shot), picture)


def sheet(charts: list[Path], picture: Path) -> None:
    """Charts side by side, two in a row, at half their size."""
    drawn = [Image.open(path).convert("RGB") for path in charts]
    drawn = [image.resize((image.width // 2, image.height // 2)) for image in drawn]
    wide, high = (max(getattr(image, side) for image in drawn) for side in ("width", "height"))
    page = Image.new("RGB", (2 * wide, (len(drawn) + 1) // 2 * high), "white")
    for place, image in enumerate(drawn):
        page.paste(image, (place % 2 * wide, place // 2 * high))
    keep(page, picture)


def keep(image: Image.Image, picture: Path) -> None:
    """Write a picture with few colours."""
    image.convert("RGB").quantize(COLORS).save(picture, optimize=True)
    print(picture.name, picture.stat().st_size)


if __name__ == "__main__":
    main()
