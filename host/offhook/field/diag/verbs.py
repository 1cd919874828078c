"""The verbs and what may follow them: all that a diagnostics login can ask for. Nothing is ever run by a shell.

A word is a verb's argument only if it has the form that the verb says; everything else is refused, whatever it means
to a shell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 200
NUMBER = re.compile(r"[0-9*#+]{1,32}")
SECONDS = re.compile(r"[0-9]{1,4}")
WHO = re.compile(r"[A-Za-z0-9*#+][A-Za-z0-9_.@:/*#+-]{0,63}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:/-]{0,63}")


class VerbError(Exception):
    """What was asked is none of the verbs; the sentence says what there is."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: the forms of its arguments, of which the last ones may be left out."""

    name: str
    usage: str
    text: str
    forms: tuple[re.Pattern[str], ...] = ()
    least: int = 0
    binary: bool = False
    """Its answer is a file, not text."""
    takes: bool = False
    """It reads a file from standard input."""


VERBS: Final = {
    verb.name: verb
    for verb in (
        Verb("status", "status", "Everything at a glance: exchange, board, supervisor, trunks, calls"),
        Verb("lines", "lines", "Phones, lines and trunks with their states"),
        Verb("calls", "calls", "The calls that go on"),
        Verb("trace", "trace [NAME] [SECONDS]", "The next call as a ladder, live; NAME: a number or name in it",
             (WHO, SECONDS)),
        Verb("tail", "tail [SECONDS]", "The log as it is written", (SECONDS,)),
        Verb("capture", "capture [SECONDS] > FILE.pcap", "SIP, RTP headers, D channels, for Wireshark", (SECONDS,),
             binary=True),
        Verb("bundle", "bundle > FILE.tar.gz", "All that support needs, without secrets; open its index.html",
             binary=True),
        Verb("probe", "probe NUMBER [TRUNK]", "An independent phone calls a number: set-up time, loss, jitter, MOS",
             (NUMBER, NAME), least=1),
        Verb("update", "update < BUNDLE", "Install a signed update; the box restarts into it", takes=True),
    )
}  # fmt: skip


def usage() -> str:
    """What there is, one verb a line, within 80 columns."""
    lines = ["The verbs of this login:", ""]
    for verb in VERBS.values():
        lines.append(
            f"  {verb.usage:<30} {verb.text}" if len(verb.text) < 47 else f"  {verb.usage}\n{'':12}{verb.text}"
        )
    return "\n".join(lines) + "\n"


def parse(line: str) -> tuple[Verb, list[str]]:
    """The verb and arguments of a line. Raises VerbError for anything else."""
    if len(line) > LONGEST or not line.isprintable() or not line.isascii():
        raise VerbError("That is no verb of this login.")
    words = line.split(" ")
    words = [word for word in words if word]
    verb = VERBS.get(words[0]) if words else None
    if verb is None:
        raise VerbError(f"There is no verb {words[0][:40]!r}." if words else "Say what is wanted.")
    arguments = words[1:]
    if not verb.least <= len(arguments) <= len(verb.forms):
        raise VerbError(f"Write: {verb.usage}")
    if verb.name == "trace" and len(arguments) == 1 and SECONDS.fullmatch(arguments[0]) and len(arguments[0]) < 4:
        arguments = ["", *arguments]
        return verb, arguments
    for word, form in zip(arguments, verb.forms, strict=False):
        if not form.fullmatch(word):
            raise VerbError(f"{word!r} does not fit. Write: {verb.usage}")
    return verb, arguments
