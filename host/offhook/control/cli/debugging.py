"""Commands that have parts of the exchange tell what they do."""

from __future__ import annotations

from offhook.calls.advice import DEBUG as ADVICE_DEBUG
from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.control.cli.completion import first
from offhook.modules import Module, Request

module = Module("cli_debugging", "Commands that have parts tell what they do")


@module.command(
    "aoc set debug {on|off}", "Enable or disable debugging of AOC messages", complete=first(lambda _: ("on", "off"))
)
def set_aoc_debug(request: Request) -> None:
    """Tell each advice of charge on the console, or no more."""
    word = request.args[0].lower() if len(request.args) == 1 else ""
    if word not in TRUE_WORDS and word not in FALSE_WORDS:
        raise request.usage()
    on = word in TRUE_WORDS
    request.pbx.parts[ADVICE_DEBUG] = on
    request.print(f"aoc debug {'enabled' if on else 'disabled'}")
