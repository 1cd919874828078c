"""The programs that the driver runs: a folder with init_card_TYPE_30 for each type of card."""

from __future__ import annotations

import sys
from pathlib import Path

import kernel_shims

_TYPES = (1, 2, 3, 4, 5, 6)
_REVISION = 30
_PROGRAM = """\
#!{python} -I
import runpy, sys
sys.path.insert(0, {library!r})
sys.argv[1:] = ["{kind}"]
runpy.run_module("kernel_shims.astribank.initcard", run_name="__main__", alter_sys=True)
"""


def write_launchers(folder: Path, python: str = sys.executable, library: Path | None = None) -> None:
    """Write them. They need no shell, no PATH and no environment but the driver's. Raises OSError.

    ``library`` is where kernel_shims lies, if it will not be here; the kernel runs them as root.
    """
    folder.mkdir(parents=True, exist_ok=True)
    library = library or Path(next(iter(kernel_shims.__path__))).resolve().parent
    for kind in _TYPES:
        path = folder / f"init_card_{kind}_{_REVISION}"
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(_PROGRAM.format(python=python, library=str(library), kind=kind))
        fresh.chmod(0o755)
        fresh.replace(path)
