"""Floods and connections that go nowhere, at the ports beside SIP: a limit answers, and nothing stays behind."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon, free_port
from support.patience import PATIENCE_S

EXTENSIONS = "[default]\nexten => agi,1,AGI(agi://127.0.0.1:{agi}/x)\nexten => sound,1,Answer()\n same => n,AudioSocket(40325ec2-5efd-4bd3-805f-53576e581d13,127.0.0.1:{agi})\n"  # noqa: E501
FULL_FRAME, IAX_TYPE, NEW, POKE, PONG, CALL_TOKEN = 0x8000, 6, 1, 30, 3, 54


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {"iax": free_port(socket.SOCK_DGRAM), "http": free_port(), "agi": free_port()}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Iterator[Daemon]:
    files = {
        "iax.conf": f"[general]\nbindaddr = 127.0.0.1\nbindport = {ports['iax']}\n[guest]\ntype = user\n"
        "context = default\n",
        "http.conf": f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = {ports['http']}\n"
        "sessionlimit = 20\nenablestatic = yes\n",
        "extensions.conf": EXTENSIONS.format(agi=ports["agi"]),
        "modules.conf": "[modules]\nautoload = yes\nnoload = chan_pjsip.so\nnoload = res_pjsip.so\n",
    }
    with Daemon(tmp_path_factory.mktemp("hostile"), files) as running:
        # The log is written by a thread of its own: hundreds of lines about modules may still be on their way.
        eventually(lambda: "Asterisk Ready." in running.log(), running.told)
        yield running
        assert "Traceback" not in running.log()


def eventually(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def iax(number: int, subclass: int, elements: bytes = b"") -> bytes:
    """A full frame that begins something."""
    return struct.pack("!HHIBBBB", FULL_FRAME | number, 0, 0, 0, 0, IAX_TYPE, subclass) + elements


def _lines(daemon: Daemon) -> int:
    """Lines in the log that are not for finding faults."""
    return sum(" DEBUG[" not in line for line in daemon.log().splitlines())


def _is_answered(stranger: socket.socket, port: int) -> bool:
    """Whether a POKE is; what is still on its way for the flood is skipped."""
    stranger.settimeout(1)
    stranger.sendto(iax(3001, POKE), ("127.0.0.1", port))
    with contextlib.suppress(TimeoutError):
        while stranger.recv(4096)[11] != PONG:
            pass
        return True
    return False


def test_a_flood_of_calls_by_iax_holds_no_call_numbers(daemon: Daemon, ports: dict[str, int]) -> None:
    chance, port = random.Random(5), ports["iax"]
    before, lines = len(daemon.descriptors()), _lines(daemon)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        for number in range(1, 3000):
            token = struct.pack("!BB", CALL_TOKEN, 0) if number % 2 else b""
            user = b"\x06\x05guest" + (b"\x01\x03agi" if number % 3 else chance.randbytes(20))
            stranger.sendto(iax(number, NEW, b"\x0b\x02\x00\x02" + user + token), ("127.0.0.1", port))
            if number % 50 == 0:
                time.sleep(0.005)
        with contextlib.suppress(BlockingIOError):
            stranger.setblocking(False)
            while True:
                stranger.recv(4096)
        eventually(lambda: _is_answered(stranger, port), daemon.log)
    assert "0 active channels" in daemon.cli("core show channels")
    assert len(daemon.descriptors()) == before
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:  # what is said of it comes after all of the flood
        last.bind(("127.0.0.1", 0))
        last.sendto(iax(1, NEW, b"\x06\xff"), ("127.0.0.1", port))
        told = f"what came from 127.0.0.1:{last.getsockname()[1]} cannot be read"
        eventually(lambda: told in daemon.log(), daemon.told)
    assert _lines(daemon) - lines < 50, "a flood of packets is no flood of lines"


def test_web_connections_that_ask_nothing_meet_a_limit(daemon: Daemon, ports: dict[str, int]) -> None:
    before = len(daemon.descriptors())
    strangers = [socket.create_connection(("127.0.0.1", ports["http"])) for _ in range(60)]
    for stranger in strangers[::2]:
        with contextlib.suppress(ConnectionError):
            stranger.sendall(b"POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nhalf")
    eventually(lambda: len(daemon.descriptors()) <= before + 20, daemon.descriptors)
    for stranger in strangers:
        stranger.close()
    eventually(lambda: len(daemon.descriptors()) <= before, daemon.descriptors)
    with socket.create_connection(("127.0.0.1", ports["http"])) as visitor:
        visitor.sendall(b"GET /httpstatus HTTP/1.0\r\n\r\n")
        visitor.settimeout(10)
        assert visitor.recv(100).startswith(b"HTTP/1.")


def test_servers_that_never_answer_hold_a_call_only(daemon: Daemon, ports: dict[str, int]) -> None:
    """FastAGI and AudioSocket: one server says nothing, one sends a line without end; both are gone with them."""
    before = len(daemon.descriptors())
    with socket.create_server(("127.0.0.1", ports["agi"])) as server:
        taken: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    taken.append(connection)
                    if len(taken) % 2:
                        threading.Thread(target=drone, args=(connection,), daemon=True).start()

        def drone(connection: socket.socket) -> None:
            with contextlib.suppress(OSError):
                for _ in range(4000):
                    connection.sendall(b"x" * 4096)

        threading.Thread(target=serve, daemon=True).start()
        for exten in ("agi", "sound", "agi", "sound"):
            daemon.cli(f"channel originate Local/{exten}@default application Wait 600")
        eventually(lambda: len(taken) == 4, lambda: taken)
        memory = _resident_kb(daemon)
        daemon.cli("channel request hangup all")
        assert memory < 400_000, "a line without end is not kept"
        server.shutdown(socket.SHUT_RDWR)
        for connection in taken:
            connection.close()
    eventually(lambda: "0 active channels" in daemon.cli("core show channels"), daemon.log)
    eventually(lambda: len(daemon.descriptors()) <= before, daemon.descriptors)


def _resident_kb(daemon: Daemon) -> int:
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
