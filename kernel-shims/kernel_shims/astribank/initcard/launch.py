"""The programs that the driver runs: a folder with init_card_TYPE_30 for each type of card."""

from __future__ import annotations

import sys
from pathlib import Path

import kernel_shims

_TYPES = (1, 2, 3, 4, 5, 6)
_REVISION = 30


def write_launchers(folder: Path, python: str = sys.executable) -> None:
    """Write them. The driver gives them no PATH and no other environment. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    library = Path(next(iter(kernel_shims.__path__))).resolve().parent
    for kind in _TYPES:
        path = folder / f"init_card_{kind}_{_REVISION}"
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(
            f"#!/bin/sh\nPYTHONPATH='{library}' exec '{python}' -m kernel_shims.astribank.initcard {kind}\n"
        )
        fresh.chmod(0o755)
        fresh.replace(path)
