#!/usr/bin/env python3
"""List the boards of the folder boards and check their files.

    boards.py [NAME]     with a name: all that its file says

Overlays are compiled as well where dtc is at hand. Fails when a file is wrong.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "host"))

from offhook.field.board import describe, table  # noqa: E402
from offhook.field.boards import BoardError, every, load  # noqa: E402


def compiled(source: Path) -> str:
    """Compile one overlay; what dtc says against it."""
    command = ["dtc", "-@", "-q", "-I", "dts", "-O", "dtb", "-o", "/dev/null", str(source)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


def main() -> int:
    place = CHECKOUT / "boards"
    if len(sys.argv) > 1:
        try:
            print("\n".join(describe(load(place / sys.argv[1]))))
        except BoardError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    print("\n".join(table(place)))
    wrong = [str(board) for _, board in every(place) if isinstance(board, BoardError)]
    overlays = sorted(place.glob("*/*.dtso"))
    if shutil.which("dtc"):
        wrong += [f"{source}: {said}" for source in overlays if (said := compiled(source))]
    else:
        print(f"{len(overlays)} overlays are not compiled: there is no dtc (Debian: device-tree-compiler)")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
