"""What far ends say and hear for a while (see dahdi_kernel)."""

from __future__ import annotations

import os
import select
import time

from guest.dahdi_kernel import BLOCK, Line
from kernel_shims.simulator import sound

SILENCE = b"\xff" * BLOCK


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
