"""Formats as IAX2 names them: a bit each, and letters in an order of preference (RFC 5456 8.7, 8.6.35)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BITS: dict[str, int] = {
    "g723": 1 << 0,
    "gsm": 1 << 1,
    "ulaw": 1 << 2,
    "alaw": 1 << 3,
    "g726aal2": 1 << 4,
    "adpcm": 1 << 5,
    "slin": 1 << 6,
    "lpc10": 1 << 7,
    "g729": 1 << 8,
    "speex": 1 << 9,
    "ilbc": 1 << 10,
    "g726": 1 << 11,
    "g722": 1 << 12,
    "siren7": 1 << 13,
    "siren14": 1 << 14,
    "slin16": 1 << 15,
    "jpeg": 1 << 16,
    "png": 1 << 17,
    "h261": 1 << 18,
    "h263": 1 << 19,
    "h263p": 1 << 20,
    "h264": 1 << 21,
    "mpeg4": 1 << 22,
    "vp8": 1 << 23,
    "red": 1 << 26,
    "t140": 1 << 27,
    "g719": 1 << 32,
    "speex16": 1 << 33,
    "opus": 1 << 34,
}
_NAMES = {bit: name for name, bit in BITS.items()}

_ORDER = (
    "g723", "gsm", "ulaw", "alaw", "g726", "adpcm", "slin", "lpc10", "g729", "speex", "speex16", "ilbc", "g726aal2",
    "g722", "slin16", "jpeg", "png", "h261", "h263", "h263p", "h264", "mpeg4", "red", "t140", "siren7", "siren14", "",
    "g719", "", "", "", "", "", "", "", "", "opus", "vp8",
)  # fmt: skip
"""The letter of a preference is "B" for the first and so on."""
_FIRST = ord("B")

BEST = (
    "ulaw", "alaw", "g719", "siren14", "siren7", "g722", "slin16", "slin", "g726", "g726aal2", "adpcm", "gsm", "ilbc",
    "speex16", "speex", "opus", "lpc10", "g729", "g723",
)  # fmt: skip
"""What to choose when nobody prefers anything."""

AUDIO = sum(BITS[name] for name in BEST)


def bits(names: Iterable[str]) -> int:
    """Formats as bits; those that IAX2 does not know are left out."""
    return sum({BITS[name] for name in names if name in BITS})


def names(mask: int) -> list[str]:
    """The names of bits, from the lowest."""
    return [name for name, bit in BITS.items() if mask & bit]


def name(bit: int) -> str:
    """The name of one bit, "" when it is none."""
    return _NAMES.get(bit, "")


def write_preferences(wanted: Iterable[str]) -> str:
    """An order of preference as the element has it."""
    return "".join(chr(_FIRST + _ORDER.index(each)) for each in wanted if each in _ORDER)


def read_preferences(text: str) -> list[str]:
    """The formats of an order of preference; letters without a meaning are left out."""
    places = [ord(letter) - _FIRST for letter in text[:64]]
    return [_ORDER[place] for place in places if 0 <= place < len(_ORDER) and _ORDER[place]]


def choose(preferred: Sequence[str], mask: int) -> str:
    """The first preferred format of those that bits allow, "" when there is none."""
    return next((each for each in preferred if BITS.get(each, 0) & mask), "")


def best(mask: int) -> str:
    """What to use of formats that nobody prefers any of; "" for none."""
    return next((each for each in BEST if BITS[each] & mask), "")


def negotiate(
    ours: Sequence[str],
    mask: int,
    wanted: int,
    theirs: int,
    preferred: Sequence[str],
    priority: str = "host",
) -> int:
    """The format (a bit) for a call that came in; 0 for none.

    ``ours`` in order and as a ``mask``; of the caller the format it uses, those it takes, and its order. ``priority``
    is Asterisk's codecpriority: "host", "caller", "disabled" or "reqonly".
    """
    if priority in ("disabled", "reqonly"):
        chosen = best(wanted & mask) or ("" if priority == "reqonly" else best(theirs & mask))
        return BITS.get(chosen, 0)
    orders = [preferred, ours] if priority == "caller" and preferred else [ours, preferred]
    for order in orders:
        if chosen := choose(order, theirs & mask):
            return BITS[chosen]
    return BITS.get(best(theirs & mask), 0)
