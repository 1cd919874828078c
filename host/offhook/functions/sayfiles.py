"""SAYFILES: the prompts that say a text."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.media.spoken.language import Language, language_for
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_sayfiles", "Say application files")

_WHOLE = re.compile(r"\s*[-+]?\d+\Z", re.ASCII)


def _whole(text: str) -> int:
    if not _WHOLE.match(text):
        raise FunctionError(f'SAYFILES: "{text}" is no whole number')
    return int(text)


_WAYS: dict[str, Callable[[Language, str], list[str]]] = {
    "alpha": lambda language, text: language.characters(text),
    "phonetic": lambda language, text: language.phonetic(text),
    "digits": lambda language, text: language.digits(text),
    "number": lambda language, text: language.number(_whole(text)),
    "ordinal": lambda language, text: language.ordinal(_whole(text)),
    "money": lambda language, text: language.money(text),
}


@module.function("SAYFILES", Syntax("value", "[type]"), see_also=("SayAlpha", "SayDigits", "SayNumber", "SayPhonetic"))
def say_files(scope: Scope, value: str, way: str = "") -> str:
    """The names of the prompts that say a value, with & between them, for Playback, Background, Read and the like.

    The type is alpha (letter by letter, when not named), phonetic, digits, number, ordinal or money.
    """
    say = _WAYS.get(way or "alpha")
    if say is None:
        raise FunctionError(f'SAYFILES: "{way}" is no type; write one of {", ".join(_WAYS)}')
    language = language_for(scope.channel.language if scope.channel is not None else "en")
    return "&".join(say(language, value))
