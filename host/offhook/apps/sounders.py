"""Tones and words that applications sound: Zapateller, Morsecode, SayCountedNoun and SayCountedAdj."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.prompts import NoPrompt, play, until_done
from offhook.media.tones import parse_tone_list
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
zapateller_module = Module("app_zapateller", "Block Telemarketers with Special Information Tone")
morse_module = Module("app_morsecode", "Morse code")
counted_module = Module("app_saycounted", "Decline words according to channel language")

_INFORMATION_TONE = "!950/330,!1400/330,!1800/330,!0/1000"


async def _tones(channel: Channel, tones: str) -> None:
    if channel.media is None:
        raise Hangup
    await until_done(channel, channel.media.tones(parse_tone_list(tones)))


@zapateller_module.application(
    "Zapateller", Syntax("options", options={"answer": "Answer first.", "nocallerid": "Only callers without a number."})
)
async def zapateller(channel: Channel, first: str = "", second: str = "") -> None:
    """Sound the special information tone, so that calling machines take the number for dead.

    ZAPATELLERSTATUS is NOTHING, ANSWERED or ZAPPED.
    """
    words = {first.lower(), second.lower()}
    channel.set("ZAPATELLERSTATUS", "NOTHING")
    if channel.state is not State.UP:
        if "answer" in words:
            channel.answer()
            channel.set("ZAPATELLERSTATUS", "ANSWERED")
        await channel.sleep(0.5)
    number = channel.caller.id.number
    if "nocallerid" in words and number.valid and number.text:
        return
    await _tones(channel, _INFORMATION_TONE)
    channel.set("ZAPATELLERSTATUS", "ZAPPED")


def _code(letters: str, marks: str) -> dict[str, str]:
    return dict(zip(letters, marks.split(), strict=True))


_INTERNATIONAL = _code(
    "abcdefghijklmnopqrstuvwxyz0123456789.,?'!/()&:;=+-_\"$@",
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. "
    ".-.-.- --..-- ..--.. .----. -.-.-- -..-. -.--. -.--.- .-... ---... -.-.-. -...- .-.-. -....- ..--.- .-..-. "
    "...-..- .--.-.",
)
_AMERICAN = _INTERNATIONAL | _code(
    "cfjlopqrxyz0123456789.,?!&",
    "..g. .-. -.-. l .g. ..... ..-. .g.. .-.. ..g.. ...g. "
    "0 .--. ..-.. ...-. ....- --- ...... --.. -.... -..- ..--.. .-.- -..-. ---. .g...",
)
"""American (railway) code: ``g`` is a gap within a letter, ``l`` a long dash, ``0`` a longer one."""
_LENGTHS = {".": 1, "-": 3, "l": 6, "0": 9}


@morse_module.application("Morsecode", Syntax("string"), raw=True, see_also=("SayAlpha", "SayPhonetic"))
async def morsecode(channel: Channel, text: str = "") -> None:
    """Sound a text in Morse code.

    MORSEDITLEN is a dot in ms (80), MORSETONE the tone in Hz (800), MORSESPACETONE that of spaces (0), MORSETYPE
    INTERNATIONAL or AMERICAN.
    """
    if not text:
        log.warning("%s: Morsecode needs a text", channel.name)
        return
    dot = _setting(channel, "MORSEDITLEN", 80)
    tone, space = _setting(channel, "MORSETONE", 800), _setting(channel, "MORSESPACETONE", 0)
    american = channel.get("MORSETYPE") == "AMERICAN"
    code = _AMERICAN if american else _INTERNATIONAL
    parts: list[str] = []
    for char in text.lower():
        marks = code.get(char, " " if char.isspace() else "")
        for mark in marks:
            length = _LENGTHS.get(mark)
            if length is not None:
                parts.append(f"!{tone}/{length * dot}")
            else:
                parts.append(f"!{space}/{(3 if american else 2) * dot}")
            parts.append(f"!{space}/{dot}")
        parts.append(f"!{space}/{(3 if american else 2) * dot}")
    await _tones(channel, ",".join(parts))


def _setting(channel: Channel, name: str, default: int) -> int:
    text = (channel.get(name) or "").strip()
    return int(text) if text.isdigit() and int(text) else default


def _last(number: int) -> int:
    """What of a number decides the forms of words: its last digit, or its last two below twenty."""
    count = abs(number) % 100
    return count if count < 20 else count % 10


def _slavic_noun(number: int) -> str:
    """The form of a noun behind a number: one, two to four, or many."""
    return {1: "", 2: "x1", 3: "x1", 4: "x1"}.get(_last(number), "x2")


def _slavic_adjective(number: int, gender: str) -> str:
    return gender if _last(number) == 1 else "x"


async def _word(channel: Channel, name: str) -> None:
    try:
        await play(channel, name)
    except NoPrompt as missing:
        log.warning("%s: %s", channel.name, missing)


def _count(channel: Channel, application: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        log.warning("%s: %s(%s): a whole number is needed", channel.name, application, text)
        raise Hangup from None


@counted_module.application("SayCountedNoun", Syntax("number", "filename"), see_also=("SayCountedAdj", "SayNumber"))
async def say_counted_noun(channel: Channel, number: str = "", name: str = "") -> None:
    """Say a noun in the form that goes with a number: the sound file's name with an ending of the language's."""
    count = _count(channel, "SayCountedNoun", number)
    slavic = channel.language[:2].lower() in ("ru", "ua", "pl")
    await _word(channel, name + (_slavic_noun(count) if slavic else "" if abs(count) == 1 else "s"))


@counted_module.application(
    "SayCountedAdj", Syntax("number", "filename", "[gender]"), see_also=("SayCountedNoun", "SayNumber")
)
async def say_counted_adjective(channel: Channel, number: str = "", name: str = "", gender: str = "") -> None:
    """Say an adjective in the form that goes with a number and a gender (f, m, n or c)."""
    count = _count(channel, "SayCountedAdj", number)
    slavic = channel.language[:2].lower() in ("ru", "ua", "pl")
    await _word(channel, name + (_slavic_adjective(count, gender) if slavic else ""))
