#!/usr/bin/env python3
"""Lay out a root folder in which the Asterisk Test Suite finds Offhook where it looks for Asterisk.

    layout.py DEST [--python INTERPRETER]

DEST is laid over the suite's root by an overlay mount (its top layer). It holds the launcher, a marker file for
each module that Offhook registers (the suite skips a test whose markers are not all there), the build options and
asterisk.conf. Everything else (sample configuration, sounds, the suite itself) comes from the layers below.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import os
import shutil
import sys
import textwrap
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HOST = CHECKOUT / "host"

MODULES = "usr/lib/x86_64-linux-gnu/asterisk/modules"
PRIVATE_MODULES = "usr/lib/offhook/modules"

SPOOL = ("dictate", "meetme", "monitor", "outgoing", "outgoing_done", "recording", "system", "tmp", "voicemail/default")
LOGS = ("cdr-csv", "cdr-custom", "cel-custom")


def launcher(interpreter: Path) -> str:
    """The text of usr/sbin/asterisk: daemon and remote console alike, under the name the suite kills it by."""
    return textwrap.dedent(f"""\
        #!{interpreter} -I
        import sys

        sys.path.insert(0, {str(HOST)!r})
        from offhook.main import main

        sys.exit(main())
        """)


def asterisk_conf(modules: str) -> str:
    """The installed asterisk.conf, with the folders where Asterisk's own "make install" puts them."""
    return textwrap.dedent(f"""\
        [directories]
        astcachedir => /var/cache/asterisk
        astetcdir => /etc/asterisk
        astmoddir => /{modules}
        astvarlibdir => /var/lib/asterisk
        astdbdir => /var/lib/asterisk
        astkeydir => /var/lib/asterisk
        astdatadir => /var/lib/asterisk
        astagidir => /var/lib/asterisk/agi-bin
        astspooldir => /var/spool/asterisk
        astrundir => /var/run/asterisk
        astlogdir => /var/log/asterisk
        astsbindir => /usr/sbin

        [options]
        entityid = 02:00:00:00:00:01
        """)


def registered_modules() -> list[str]:
    """The names of all modules that can be imported; what cannot is told on stderr and gets no marker."""
    sys.path.insert(0, str(HOST))
    from offhook.modules.loader import discover

    names = []
    broken: set[str] = set()
    for known in discover(HOST / "offhook").values():
        if known.source in broken:
            continue
        try:
            importlib.import_module(known.source)
        except Exception as error:
            broken.add(known.source)
            print(f"{known.source}: {type(error).__name__}: {error}: no markers for its modules", file=sys.stderr)
            continue
        names.append(known.name)
    return sorted(names)


def hides_lower_layers(folder: Path) -> bool:
    """Make an overlay mount show only this layer's files in a folder; False where the file system cannot."""
    try:
        os.setxattr(folder, "trusted.overlay.opaque", b"y")
        return os.getxattr(folder, "trusted.overlay.opaque") == b"y"
    except OSError:
        return False


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def lay_out(root: Path, interpreter: Path) -> int:
    """Fill the root folder; the number of module markers."""
    if root.exists() and any(root.iterdir()) and not (root / "usr/sbin/asterisk").exists():
        raise SystemExit(f"{root}: is neither empty nor an earlier root of ours; name another folder with DEST=")
    shutil.rmtree(root, ignore_errors=True)
    # The suite's root sees the checkout read-only: nothing could be cached there, and every start would compile it.
    compileall.compile_dir(HOST / "offhook", quiet=1)
    names = registered_modules()
    write(root / "usr/sbin/asterisk", launcher(interpreter), 0o755)
    write(
        root / "usr/include/asterisk/buildopts.h",
        '/* What the suite\'s tests may ask for by "buildoption". */\n#define TEST_FRAMEWORK 1\n',
    )
    markers = root / MODULES
    markers.mkdir(parents=True)
    # Without the mark on the folder, the modules of an Asterisk in a layer below would promise what Offhook lacks.
    astmoddir = MODULES if hides_lower_layers(markers) else PRIVATE_MODULES
    for folder in {markers, root / astmoddir}:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / f"{name}.so").touch()
    write(root / "etc/asterisk/asterisk.conf", asterisk_conf(astmoddir))
    for parent, children in (("var/spool/asterisk", SPOOL), ("var/log/asterisk", LOGS)):
        for child in children:
            (root / parent / child).mkdir(parents=True, exist_ok=True)
    return len(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dest", type=Path)
    parser.add_argument("--python", type=Path, default=CHECKOUT / ".venv/bin/python")
    options = parser.parse_args()
    interpreter = options.python if options.python.is_absolute() else CHECKOUT / options.python
    count = lay_out(options.dest.absolute(), interpreter)
    print(f"{options.dest}: {count} module markers; use it as LOWER, with BIND={CHECKOUT}")


if __name__ == "__main__":
    main()
