"""Sound of simulated lines: the two laws of G.711, tones, DTMF both ways, and Bell 202 caller ID."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

RATE = 8000
STEP_MS = 10
STEP = RATE * STEP_MS // 1000
"""Samples in a step of simulated time."""
LEVEL = 7000
"""Peak of a tone, of 32767."""
SILENCE = [0] * STEP

_ROWS = (697, 770, 852, 941)
_COLUMNS = (1209, 1336, 1477, 1633)
_KEYS = "123A456B789C*0#D"
DTMF = {key: (_ROWS[place // 4], _COLUMNS[place % 4]) for place, key in enumerate(_KEYS)}


def _ulaw_to_linear(code: int) -> int:
    """G.711 table 2b."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _alaw_to_linear(code: int) -> int:
    """G.711 table 1b."""
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 0x0F
    magnitude = (step << 4) + 8 if segment == 0 else (step << 4) + 0x108 << segment - 1
    return magnitude if code & 0x80 else -magnitude


def _coder(table: Sequence[int]) -> bytes:
    """The code of every 16 bit sample, by its 4 lowest bits cut: the nearest value of the table."""
    order = sorted(range(256), key=lambda code: (table[code], code))
    codes = bytearray()
    place = 0
    for sample in range(-32768, 32768, 16):
        while place < 255 and abs(table[order[place + 1]] - sample) <= abs(table[order[place]] - sample):
            place += 1
        codes.append(order[place])
    return bytes(codes)


DECODE = {
    "ulaw": [_ulaw_to_linear(code) for code in range(256)],
    "alaw": [_alaw_to_linear(code) for code in range(256)],
}
_ENCODE = {law: _coder(table) for law, table in DECODE.items()}


def encode(samples: Iterable[int], law: str) -> bytes:
    """Linear samples as bytes of a law."""
    codes = _ENCODE[law]
    return bytes(codes[max(-32768, min(32767, sample)) + 32768 >> 4] for sample in samples)


SILENT = {law: encode(SILENCE, law) for law in DECODE}
"""A step of silence in each law."""


def decode(data: bytes, law: str) -> list[int]:
    """Bytes of a law as linear samples."""
    table = DECODE[law]
    return [table[code] for code in data]


def tone(frequencies: Sequence[float], ms: int, start: int = 0, level: int = LEVEL) -> list[int]:
    """Sines together, from a sample of their time on."""
    steps = [2 * math.pi * frequency / RATE for frequency in frequencies]
    share = level / max(1, len(steps))
    return [round(share * sum(math.sin(step * n) for step in steps)) for n in range(start, start + ms * RATE // 1000)]


def dtmf(digits: str, on_ms: int = 80, off_ms: int = 60) -> list[int]:
    """Keys pressed one after the other; "," is a pause of half a second."""
    out: list[int] = []
    for digit in digits:
        out += [0] * (RATE // 2) if digit == "," else tone(DTMF[digit.upper()], on_ms, level=2 * LEVEL)
        out += [0] * (off_ms * RATE // 1000)
    return out


def share(samples: Sequence[int], frequency: float) -> float:
    """How much of the samples' energy a frequency has, 0 to 1 (Goertzel)."""
    energy = sum(sample * sample for sample in samples)
    if not energy:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * frequency / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    return 2 * (before * before + last * last - turn * before * last) / (energy * len(samples))


def sounds(samples: Sequence[int], frequencies: Sequence[float]) -> bool:
    """Whether most of the samples, 40 ms at a time, are these frequencies and nothing else."""
    size = 4 * STEP
    blocks = [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)]
    fitting = sum(sum(share(block, frequency) for frequency in frequencies) > 0.75 for block in blocks)
    return bool(blocks) and fitting >= 0.6 * len(blocks)


class DigitListener:
    """Finds DTMF in blocks of 20 ms: a digit counts when two blocks running have it."""

    def __init__(self) -> None:
        self._waiting: list[int] = []
        self._before = self._told = ""

    def hear(self, samples: Sequence[int]) -> str:
        """Digits that these samples complete."""
        found = ""
        self._waiting += samples
        size = 2 * STEP
        while len(self._waiting) >= size:
            block, self._waiting = self._waiting[:size], self._waiting[size:]
            now = self._digit(block)
            if now and now == self._before and now != self._told:
                found += now
                self._told = now
            elif not now and not self._before:
                self._told = ""
            self._before = now
        return found

    def _digit(self, block: Sequence[int]) -> str:
        if sum(sample * sample for sample in block) < len(block) * 200 * 200:
            return ""
        row = max(_ROWS, key=lambda frequency: share(block, frequency))
        column = max(_COLUMNS, key=lambda frequency: share(block, frequency))
        low, high = share(block, row), share(block, column)
        clear = low + high > 0.8 and min(low, high) > 0.15
        return _KEYS[_ROWS.index(row) * 4 + _COLUMNS.index(column)] if clear else ""


BELL_202 = (1200, 2200)
V_23 = (1300, 2100)
"""Mark and space in Hz (GR-30; V.23)."""


def fsk(message: bytes, seizure_bits: int = 300, mark_bits: int = 180, tones: tuple[int, int] = BELL_202) -> list[int]:
    """A message as 1200 baud FSK, with channel seizure, mark and checksum."""
    return _modulated(message + bytes([-sum(message) & 0xFF]), seizure_bits, mark_bits, tones)


def _modulated(body: bytes, seizure_bits: int, mark_bits: int, tones: tuple[int, int]) -> list[int]:
    phase = 0.0
    out: list[int] = []
    samples = 0.0
    for bit in _bits(body, seizure_bits, mark_bits):
        samples += RATE / 1200
        while len(out) < samples:
            phase += 2 * math.pi * (tones[0] if bit else tones[1]) / RATE
            out.append(round(LEVEL * math.sin(phase)))
    return out


def _bits(body: bytes, seizure: int, marks: int) -> Iterator[int]:
    yield from (bit % 2 for bit in range(seizure))
    yield from [1] * marks
    for byte in body:
        yield 0
        yield from (byte >> place & 1 for place in range(8))
        yield 1
    yield from [1] * 10


def caller_id(number: str, name: str = "", when: str = "01011200", tones: tuple[int, int] = BELL_202) -> list[int]:
    """Caller ID of the multiple data message format (GR-31): time MMDDHHMM, number and name."""
    fields = b"".join(
        bytes([kind, len(text)]) + text.encode("latin-1") for kind, text in ((1, when), (2, number), (7, name)) if text
    )
    return fsk(bytes([0x80, len(fields)]) + fields, tones=tones)


def japanese_frame(values: Iterable[tuple[int, bytes]]) -> bytes:
    """Caller ID as NTT's exchanges frame it: parameters (type, value) with DLE before what looks like one, even parity,
    and a CRC."""
    text = b"".join(bytes([kind, len(value)]) + value for kind, value in values)
    body = bytes([0x40, len(text)]) + text
    inner = b"\x07\x10\x02" + body.replace(b"\x10", b"\x10\x10") + b"\x10\x03"
    sent = bytes(octet | (octet.bit_count() % 2) << 7 for octet in inner)
    remainder = 0
    for octet in sent:
        for place in range(8):
            bit = (octet >> place ^ remainder) & 1
            remainder = remainder >> 1 ^ (0x8408 if bit else 0)
    return b"\x90\x81" + sent + remainder.to_bytes(2, "little")


def japanese_caller_id(number: str) -> list[int]:
    """Such a frame as sound; "P" and "O" are reasons why there is no number."""
    value = (4, number.encode()) if number in ("P", "O", "C", "S") else (2, number.encode())
    return _modulated(japanese_frame([value]), 0, 72, V_23)
