"""codecs.conf: how the Opus and Speex encoders work unless a far end asks for something else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from offhook.config.model import TRUE_WORDS, Section
from offhook.media.encoding import Encoding
from offhook.media.formats import format_named
from offhook.modules import LoadError, Module

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
speex = Module("codec_speex", "Speex Coder/Decoder")
opus = Module("codec_opus", "OPUS Coder/Decoder")

_BANDS = {"narrow": 8000, "medium": 12_000, "wide": 16_000, "super_wide": 24_000, "full": 48_000}
_SPEEX_DEFAULTS = {"quality": 3, "complexity": 2}


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(float(text))
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def _truth(text: str) -> bool:
    return text.strip().lower() in TRUE_WORDS


def _band(text: str) -> int:
    return _BANDS[text.strip().lower()]


def _bitrate(text: str) -> int | None:
    word = text.strip().lower()
    return None if word == "auto" else 510_000 if word == "max" else _number(500, 512_000)(word)


_OPUS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "packet_loss": ("loss", _number(0, 100)),
    "complexity": ("complexity", _number(0, 10)),
    "max_bandwidth": ("max_rate", _band),
    "max_playback_rate": ("max_rate", _number(8000, 48_000)),
    "bitrate": ("bitrate", _bitrate),
    "cbr": ("vbr", lambda text: not _truth(text)),
    "fec": ("fec", _truth),
    "dtx": ("dtx", _truth),
}
_SPEEX: dict[str, tuple[str, Callable[[str], Any]]] = {
    "quality": ("quality", _number(0, 10)),
    "complexity": ("complexity", _number(0, 10)),
    "vbr": ("vbr", _truth),
    "abr": ("bitrate", lambda text: _number(0, 100_000)(text) or None),
    "vbr_quality": ("quality", _number(0, 10)),
    "dtx": ("dtx", _truth),
}
_WITHOUT_EFFECT = frozenset({
    "type", "signal", "application", "max_ptime", "ptime", "enhancement", "vad", "preprocess", "pp_vad", "pp_agc",
    "pp_agc_level", "pp_denoise", "pp_dereverb", "pp_dereverb_decay", "pp_dereverb_level",
    "experimental_rtcp_feedback",
})  # fmt: skip


def _read(section: Section, known: dict[str, tuple[str, Callable[[str], Any]]], start: dict[str, Any]) -> Encoding:
    values = dict(start)
    for entry in section:
        name = entry.name.lower()
        if name in _WITHOUT_EFFECT:
            continue
        if name not in known:
            log.warning("codecs.conf:%d: there is no option %s in [%s]", entry.line, entry.name, section.name)
            continue
        field, convert = known[name]
        if name == "vbr_quality" and not values.get("vbr"):
            continue
        try:
            values[field] = convert(entry.value)
        except (ValueError, KeyError):
            log.warning("codecs.conf:%d: %s = %s is no value for it; ignored", entry.line, entry.name, entry.value)
    return Encoding(**values)


def _apply(pbx: Pbx, module: Module, names: tuple[str, ...], known: Any, start: dict[str, Any]) -> None:
    engine = pbx.engine
    if engine is None or not engine.running:
        return
    if not engine.can_decode(format_named(names[0])):
        raise LoadError(f"the library of {names[0]} is not installed: calls in it pass, and cannot be converted")
    config = pbx.config.load("codecs.conf", module.name)
    section = config.get(names[0]) if config is not None else None
    encoding = _read(section, known, start) if section is not None else Encoding(**start)
    for name in names:
        engine.encode_by_default(format_named(name), encoding)


@speex.on_load
def load_speex(pbx: Pbx) -> None:
    """Read [speex]."""
    _apply(pbx, speex, ("speex", "speex16", "speex32"), _SPEEX, _SPEEX_DEFAULTS)


speex.on_reload(load_speex)


@opus.on_load
def load_opus(pbx: Pbx) -> None:
    """Read [opus]."""
    _apply(pbx, opus, ("opus",), _OPUS, {})


opus.on_reload(load_opus)
