"""Write the cffi glue of the media engine: ``build.py OUTPUT.c``, or ``build.py --cflags`` for its include path."""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent


def declarations() -> str:
    """api.h without its preprocessor lines: the rest is what cffi understands."""
    text = (HERE / "api.h").read_text()
    return re.sub(r"^#.*$", "", text, flags=re.MULTILINE)


def main(argument: str) -> None:
    if argument == "--cflags":
        print(f"-I{sysconfig.get_path('include')}")
        return
    ffi = FFI()
    ffi.cdef(declarations())
    ffi.set_source("offhook.media._engine", '#include "api.h"\n', py_limited_api=True)
    ffi.emit_c_code(argument)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
