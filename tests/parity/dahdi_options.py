#!/usr/bin/env python3
"""Print every option of chan_dahdi.conf that Asterisk knows, and whether it works here.

    dahdi_options.py [--missing] [ASTERISK SOURCE]

The names are in ../unit/drivers_dahdi/chan_dahdi_keys.txt; with a source tree they are taken from its
channels/chan_dahdi.c and configs/samples/chan_dahdi.conf.sample, and names that the list lacks are told.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(TOP / "host"), str(TOP / "kernel-shims")]
LIST = TOP / "tests/unit/drivers_dahdi/chan_dahdi_keys.txt"


def in_source(source: Path) -> set[str]:
    """What Asterisk compares names of lines with, and what its sample has at the beginning of lines."""
    code = (source / "channels/chan_dahdi.c").read_text(errors="replace")
    names = set(re.findall(r'strn?casecmp\(v->name, "([a-z0-9_.]+)"', code, re.IGNORECASE))
    sample = (source / "configs/samples/chan_dahdi.conf.sample").read_text(errors="replace")
    return names | set(re.findall(r"^;? ?([a-z][a-z0-9_]+) ?=", sample, re.MULTILINE))


def state_of(name: str) -> str:
    """works, no effect, or unknown."""
    from offhook.drivers.dahdi.configuration.options import CHANNELS, TRUNKS
    from offhook.drivers.dahdi.configuration.reading import NO_EFFECT

    if name.endswith("."):
        return "works"  # isup_timer.NAME, mtp3_timer.NAME
    option = CHANNELS.find(name) or TRUNKS.find(name)
    if option is None:
        return "unknown"
    return "no effect" if option.name in NO_EFFECT else "works"


def main() -> int:
    """See the text of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missing", action="store_true", help="only what does not work")
    parser.add_argument("source", type=Path, nargs="?", help="Asterisk's source tree")
    options = parser.parse_args()
    from offhook.drivers.dahdi.configuration import reading  # noqa: F401  (registers the digital options)

    listed = set(LIST.read_text().split())
    names = in_source(options.source) if options.source is not None else listed
    found = {name: state_of(name) for name in sorted(names)}
    for name, state in found.items():
        if state != "works" or not options.missing:
            print(f"{state:<10} {name}{'' if name in listed else '  (not in the list)'}")
    print(", ".join(f"{count} {state}" for state, count in Counter(found.values()).most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
