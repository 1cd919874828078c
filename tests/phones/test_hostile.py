"""What scanners and broken devices send: nothing of it may disturb the daemon or stay behind."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.callers import EXTENSIONS_CONF, PJSIP_CONF
from support.daemon import Daemon
from support.patience import PATIENCE_S

T2_S = 4.0
OPTIONS = (
    "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1:{port};branch=z9hG4bK{branch};rport\r\n"
    "From: <sip:caller@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {branch}@test\r\nCSeq: 1 OPTIONS\r\n"
    "X-Test: caller\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with UDP and TCP."""
    with Daemon(tmp_path, {"pjsip.conf": PJSIP_CONF, "extensions.conf": EXTENSIONS_CONF}) as running:
        yield running


def answers(daemon: Daemon, branch: str) -> bool:
    """Whether the daemon answers an OPTIONS over UDP, which is repeated as phones do (RFC 3261 17.1.2.2)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(T2_S)
        message = OPTIONS.format(transport="UDP", port=phone.getsockname()[1], branch=branch)
        for _ in range(int(PATIENCE_S / T2_S)):
            phone.sendto(message.encode(), ("127.0.0.1", daemon.sip_port))
            with contextlib.suppress(TimeoutError):
                return phone.recv(4096).startswith(b"SIP/2.0 ")
        return False


def mutated(chance: random.Random, number: int) -> bytes:
    """A message with some bytes changed, cut or repeated, or noise."""
    data = bytearray(OPTIONS.format(transport="UDP", port=5060, branch=f"m{number}").encode())
    if number % 3 == 0:
        return chance.randbytes(chance.randrange(1, 1400))
    for _ in range(chance.randrange(1, 30)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    start = chance.randrange(len(data))
    return bytes(data[:start] + data[start : start + 200] * chance.randrange(4))


def test_garbage_datagrams_are_survived_and_logged_sparingly(daemon: Daemon) -> None:
    assert answers(daemon, "before")
    lines = daemon.log().count("\n")
    chance = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        for number in range(3000):
            stranger.sendto(mutated(chance, number), ("127.0.0.1", daemon.sip_port))
            if number % 100 == 99:
                time.sleep(0.01)
        stranger.sendto(b"", ("127.0.0.1", daemon.sip_port))
    assert answers(daemon, "after")
    assert daemon.log().count("\n") - lines < 200, "one line a source and minute was promised"
    assert "Traceback" not in daemon.log()


def test_half_open_connections_are_closed_and_leave_nothing(daemon: Daemon) -> None:
    assert answers(daemon, "before")
    before = len(daemon.descriptors())
    strangers = [socket.create_connection(("127.0.0.1", daemon.sip_port)) for _ in range(50)]
    for stranger in strangers[::2]:
        stranger.sendall(b"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1\r\nContent-Length: 99999\r\n\r\nhalf")
    assert answers(daemon, "between")
    for stranger in strangers:
        stranger.close()
    deadline = time.monotonic() + PATIENCE_S
    while len(daemon.descriptors()) > before:
        assert time.monotonic() < deadline, daemon.descriptors()
        time.sleep(0.05)
    assert answers(daemon, "after")
    assert "Traceback" not in daemon.log()


def test_a_stream_of_nonsense_ends_with_the_connection(daemon: Daemon) -> None:
    with socket.create_connection(("127.0.0.1", daemon.sip_port)) as stranger:
        stranger.settimeout(10)
        try:
            for _ in range(2000):
                stranger.sendall(b"x" * 4096)
            gone = stranger.recv(4096) == b""
        except (ConnectionError, TimeoutError) as error:
            gone = not isinstance(error, TimeoutError)
    assert gone, "eight megabytes without a header were taken in"
    assert answers(daemon, "after")
