"""What far ends say and hear for a while (see dahdi_kernel)."""

from __future__ import annotations

import os
import random
import select
import time

from guest.dahdi_kernel import BLOCK, Line
from kernel_shims.simulator import sound

SILENCE = b"\xff" * BLOCK
_SIGN = bytes(ord("1") if code & 0x80 else ord("0") for code in range(256))
_WINDOW, _CHUNK = 4000, 32


def talk(seconds: float, *said: tuple[Line, bytes]) -> list[bytes]:
    """Have lines say something, then silence, for a while; what each of them heard meanwhile."""
    poll = select.poll()
    heard, left = {line.fd: b"" for line, _ in said}, {line.fd: data for line, data in said}
    for line, _ in said:
        poll.register(line.fd, select.POLLIN | select.POLLOUT | select.POLLPRI)
    by_fd = {line.fd: line for line, _ in said}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for fd, ready in poll.poll(100):
            if ready & select.POLLPRI:
                by_fd[fd].event(0)
                continue
            if ready & select.POLLIN:
                heard[fd] += os.read(fd, BLOCK)
            if ready & select.POLLOUT:
                left[fd] = left[fd][os.write(fd, (left[fd] + SILENCE)[:BLOCK]) :]
    return [heard[line.fd] for line, _ in said]


def hear(line: Line, seconds: float) -> list[int]:
    """What a line says for a while."""
    return sound.decode(talk(seconds, (line, b""))[0], "ulaw")


def hears(samples: list[int], *frequencies: float) -> bool:
    """Whether these frequencies are most of what was heard at the end."""
    last = samples[-4000:]
    return len(last) == 4000 and sum(sound.share(last, frequency) for frequency in frequencies) > 0.8


def noise(seed: int, ms: int = 1500, law: str = "ulaw") -> bytes:
    """Noise like none of another seed."""
    drawn = random.Random(seed).choices(range(-6000, 6000), k=ms * 8 + 2)
    return sound.encode([sum(drawn[at : at + 3]) // 3 for at in range(ms * 8)], law)


def likeness(said: bytes, heard: bytes) -> float:
    """How much half a second of what was said is in what was heard, at whatever delay: 1 all of it, about 0 nothing.

    A correlator of signs: the first bit of a sample is its sign in both laws, so neither level nor law matters. Delays
    worth trying are those at which a few milliseconds are the same.
    """
    middle = (len(said) - _WINDOW) // 2
    wanted, found = said[middle : middle + _WINDOW].translate(_SIGN), heard.translate(_SIGN)
    delays = {found.find(wanted[at : at + _CHUNK]) - at for at in range(0, _WINDOW, _CHUNK)}
    number = int(wanted, 2)
    agreed = _WINDOW // 2
    for delay in delays:
        part = found[max(0, delay) : max(0, delay) + _WINDOW]
        if len(part) == _WINDOW:
            agreed = max(agreed, _WINDOW - (int(part, 2) ^ number).bit_count())
    return 2 * agreed / _WINDOW - 1


ALIKE = 0.85
"""What is no less like than that was heard."""


def echoes(line: Line) -> float:
    """How much of what a line says comes back to it."""
    said = noise(line.channel)
    return likeness(said, talk(2.2, (line, said))[0])


def heard_by(speaker: Line, *listeners: Line) -> list[float]:
    """How much of what one line says is heard at each of the others."""
    said = noise(speaker.channel)
    return [likeness(said, heard) for heard in talk(2.2, (speaker, said), *((one, b"") for one in listeners))[1:]]
