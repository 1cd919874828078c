"""What Offhook has in C, compiled for the boards: the media engine and the bindings of kernel-shims."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cross import cache, chroot, extract, packages, tools

ENGINE = Path("host/engine")
SHIMS = Path("kernel-shims")
LIBPRI = "/development/usr/lib/libpri.so"
INCLUDES = ("usr/include/python3.13", "usr/include", "usr/include/aarch64-linux-gnu")


def sources() -> Iterator[Path]:
    """Every file that the engine is made from."""
    for path in sorted((cache.CHECKOUT / ENGINE).iterdir()):
        if path.suffix in {".c", ".h", ".py"} or path.name == "Makefile":
            yield path


def shim_sources() -> Iterator[Path]:
    """Every file that the bindings are made from."""
    yield from (cache.CHECKOUT / SHIMS / name for name in ("Makefile", "build.py"))
    yield from sorted(path for kind in ("*.h", "*.c") for path in (cache.CHECKOUT / SHIMS).rglob(kind))


def _compile(folder: Path, work: Path, out: str) -> None:
    """Run a folder's Makefile with the cross compiler; ``out`` is its OUT, below ``work``."""
    development = extract.extracted("development", packages.DEVELOPMENT)
    # The cross compiler has its own C library, which comes first; the headers and libraries of the board after it.
    libraries = "-L/usr/aarch64-linux-gnu/lib -L/development/usr/lib/aarch64-linux-gnu -s"
    includes = " ".join(f"-idirafter /development/{place}" for place in INCLUDES)
    chroot.run(
        tools.tree(),
        f"rm -rf /tmp/built; make -C /checkout/{folder} -j2 CC=aarch64-linux-gnu-gcc PYTHON=python3 "
        f"CFLAGS='{includes}' LDFLAGS='{libraries}' LIBPRI={LIBPRI} BUILD=/tmp/built OUT=/out/{out}; rm -rf /tmp/built",
        {"checkout": cache.CHECKOUT, "development": development, "out": work},
    )


def tree() -> Path:
    """A folder with offhook/media/_engine.abi3.so for arm64."""

    def make(work: Path) -> None:
        (work / "offhook/media").mkdir(parents=True)
        _compile(ENGINE, work, "offhook/media/_engine.abi3.so")

    return cache.made("engine", [Path(__file__), *packages.DEVELOPMENT, *sources()], make)


def shims() -> Path:
    """A folder with kernel_shims' extensions for arm64."""
    return cache.made(
        "kernel-shims",
        [Path(__file__), *packages.DEVELOPMENT, *shim_sources()],
        lambda work: _compile(SHIMS, work, "."),
    )
