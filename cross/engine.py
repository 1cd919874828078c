"""What Offhook has in C, compiled for the boards: the media engine and the bindings of kernel-shims."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cross import cache, chroot, extract, packages, tools

ENGINE = Path("host/engine")
INCLUDES = ("usr/include/python3.13", "usr/include", "usr/include/aarch64-linux-gnu")


def sources() -> Iterator[Path]:
    """Every file that the engine is made from."""
    for path in sorted((cache.CHECKOUT / ENGINE).iterdir()):
        if path.suffix in {".c", ".h", ".py"} or path.name == "Makefile":
            yield path


def tree() -> Path:
    """A folder with offhook/media/_engine.abi3.so for arm64."""

    def make(work: Path) -> None:
        development = extract.extracted("development", packages.DEVELOPMENT)
        # The cross compiler's own C library comes first; the board's headers after it.
        includes = " ".join(f"-idirafter /development/{place}" for place in INCLUDES)
        (work / "offhook/media").mkdir(parents=True)
        chroot.run(
            tools.tree(),
            f"make -C /checkout/{ENGINE} -j2 CC=aarch64-linux-gnu-gcc PYTHON=python3 CFLAGS='{includes}' "
            "LDFLAGS='-s' BUILD=/tmp/engine OUT=/out/offhook/media/_engine.abi3.so; rm -rf /tmp/engine",
            {"checkout": cache.CHECKOUT, "development": development, "out": work},
        )

    return cache.made("engine", [Path(__file__), *packages.DEVELOPMENT, *sources()], make)
