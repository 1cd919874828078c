#!/usr/bin/env python3
"""Turn collect.sh's raw answers into the table of names: kind, tab, name."""

from __future__ import annotations

import re
import sys
from pathlib import Path

PATTERNS = {
    "core show applications": ("application", r"\s+(\w+): "),
    # But for those that func_odbc.conf.sample defines.
    "core show functions": ("function", r"(?!ODBC_(?:SQL|ANTISOLICIT|PRESENCE) )([A-Z0-9_]+) {2,}"),
    "manager show commands": ("action", r"  (?!Action)(\w+)\s{2,}\S"),
    "core show help": ("command", r"(\S.*?)\s+-- (?!Alias for )"),
    "agi show commands": ("agi command", r"\s*(?:Yes|No)\s+([a-z ]+?)\s{3}"),
    "module show": ("module", r"(\w+)\.so "),
}


def names(raw: str) -> set[tuple[str, str]]:
    """All (kind, name) pairs in the answers."""
    found: set[tuple[str, str]] = set()
    for part in raw.split("@@@ ")[1:]:
        question, _, answer = part.partition("\n")
        if question == "manager show events":
            columns = re.findall(r"^  (\S.*)", answer, re.MULTILINE)
            found |= {("event", word) for row in columns for word in row.split() if word[0].isalpha()}
        elif match := re.match(r"config show help (res_pjsip\w*) (\S+)", question):
            options = re.findall(r"^([a-z][\w.-]*)\s+--? ", answer, re.MULTILINE)
            found |= {("pjsip option", f"{match[2]}/{option}") for option in options}
        else:
            kind, pattern = PATTERNS[question]
            found |= {(kind, name) for name in re.findall("^" + pattern, answer, re.MULTILINE)}
    return found


if __name__ == "__main__":
    print("# What Asterisk 22 registers with everything loaded: kind, name. Made by collect.sh and names.py.")
    for kind, name in sorted(names(Path(sys.argv[1]).read_text()), key=lambda pair: (pair[0], pair[1].lower())):
        print(f"{kind}\t{name}")
