#!/usr/bin/env python3
"""Print what Asterisk 22 has and what Offhook registers, kind by kind, and the totals.

    parity.py [--missing] [KIND...]

Asterisk's names are asterisk-22.tsv (see collect.sh); Offhook's come from its registered modules, so a name counts
only when something answers to it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOST = HERE.parents[1] / "host"
sys.path.insert(0, str(HOST))

STORED = {
    "contact": "offhook/drivers/sip/contacts/locations.py",
    "subscription_persistence": "offhook/drivers/sip/subscriptions/persistence.py",
}
"""Objects that live in the database, by the file that writes their fields."""


def asterisk_has() -> dict[str, list[str]]:
    """Kind -> names, from the table."""
    names: dict[str, list[str]] = defaultdict(list)
    for line in (HERE / "asterisk-22.tsv").read_text().splitlines():
        if not line.startswith("#"):
            kind, name = line.split("\t")
            names[kind].append(name)
    return names


def offhook_has() -> dict[str, set[str]]:
    """Kind -> keys of what this checkout registers."""
    import importlib

    from offhook.modules import Module
    from offhook.modules.loader import discover

    ours: dict[str, set[str]] = defaultdict(set)
    for source in sorted({known.source for known in discover(HOST / "offhook").values()}):
        try:
            namespace = vars(importlib.import_module(source))
        except Exception as error:
            print(f"{source}: {type(error).__name__}: {error}: left out", file=sys.stderr)
            continue
        for module in {id(value): value for value in namespace.values() if isinstance(value, Module)}.values():
            for kind, name in registered(module):
                ours[kind].add(key(kind, name))
    for kind, name in documented():
        ours[kind].add(key(kind, name))
    return ours


def registered(module: object) -> Iterator[tuple[str, str]]:
    """The names in one module."""
    from offhook.modules import Module

    assert isinstance(module, Module)
    yield "module", module.name
    for application in module.applications:
        yield "application", application.name
    for function in module.functions:
        yield "function", function.name
    for action in module.actions:
        yield "action", action.name
    for command in module.commands:
        yield "command", " ".join(command.words)


def documented() -> Iterator[tuple[str, str]]:
    """Names that tables hold: manager events (rendered, or answers to actions), AGI commands, options that are read."""
    from offhook.control.agi.protocol import COMMANDS
    from offhook.control.manager.render import RENDERERS
    from offhook.drivers.sip.configuration.reading import TYPES
    from offhook.drivers.sip.configuration.wizard import OPTIONS

    for renderers in RENDERERS.values():
        for renderer in renderers:
            for name in renderer.names:
                yield "event", name
    sources = "\n".join(path.read_text() for path in (HOST / "offhook").rglob("*.py"))
    for name in re.findall(r"\.(?:event|complete)\(\s*\"(\w+)\"", sources):
        yield "event", name
    for words in COMMANDS:
        yield "agi command", " ".join(words)
    for kind, section in TYPES.items():
        yield "pjsip option", f"{kind}/type"
        for name, option in section.OPTIONS.items():
            if not option.refused and re.search(rf"[.\"']{option.attribute}\b", sources):
                yield "pjsip option", f"{kind}/{name}"
    for name in OPTIONS:
        yield "pjsip option", f"wizard/{name}"
    for kind, path in STORED.items():
        yield "pjsip option", f"{kind}/type"
        for name in re.findall(r"\"(\w+)\": ", (HOST / path).read_text()):
            yield "pjsip option", f"{kind}/{name}"


def key(kind: str, name: str) -> str:
    """A name as it is compared: a command by its fixed words, the rest in lower case."""
    if kind == "command":
        name = re.split(r"[\[<{]", name, maxsplit=1)[0]
    return " ".join(name.lower().split())


def answers(kind: str, name: str, ours: set[str]) -> bool:
    """Whether ours has a name of Asterisk's; of "word {a|b}" both may be commands of their own."""
    if key(kind, name) in ours:
        return True
    words, brace, rest = name.partition("{")
    if not brace or kind != "command":
        return False
    choices, _, tail = rest.partition("}")
    return any(all(key(kind, f"{words}{each}{end}") in ours for each in choices.split("|")) for end in ("", tail))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="only these kinds")
    parser.add_argument("--missing", action="store_true", help="list only what Offhook lacks")
    options = parser.parse_args()
    theirs, ours = asterisk_has(), offhook_has()
    kinds = [kind for kind in theirs if not options.kinds or kind in options.kinds]
    for kind in kinds:
        for name in theirs[kind]:
            there = answers(kind, name, ours[kind])
            if not (there and options.missing):
                print(f"{kind:13} {'yes' if there else 'no ':3} {name}")
    print(f"\n{'kind':13} {'Asterisk':>8} {'Offhook':>8} {'of them':>8}")
    for kind in kinds:
        common = sum(answers(kind, name, ours[kind]) for name in theirs[kind])
        print(f"{kind:13} {len(theirs[kind]):8} {common:8} {common / len(theirs[kind]):8.0%}")


if __name__ == "__main__":
    main()
