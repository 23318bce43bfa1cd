"""Libraries that stand between a process and its system, to have that system misbehave."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


def compile_shim(name: str, folder: Path) -> Path:
    """The shared library of ``NAME.c``, by the system's compiler or by the one of the wheel."""
    library = folder / f"{name}.so"
    system = shutil.which("cc")
    compiler = [system] if system else [sys.executable, "-m", "ziglang", "cc"]
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run([*compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


@dataclass(frozen=True)
class Dial:
    """A number that processes with a shim see at once when a test sets it."""

    path: Path

    def set(self, number: int) -> None:
        """Show ``number`` from now on."""
        if not self.path.exists():
            self.path.write_bytes(bytes(8))
        with self.path.open("r+b") as file:
            file.write(struct.pack("q", number))
