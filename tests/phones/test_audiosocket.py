"""A phone talks to an AudioSocket server that echoes, by the application and as a called party."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import audio
from support.audiosocket_server import DIGIT, HANGUP, SOUND, Message, messages
from support.daemon import Daemon
from support.phone import Phone


class EchoServer:
    """Sends back every message of sound, and says hangup when it is sent the digit #."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.service = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.received: list[Message] = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self.listening.accept()
        buffer = bytearray()
        with connection:
            while data := connection.recv(4096):
                buffer += data
                for message in messages(buffer):
                    self.received.append(message)
                    if message.kind >= SOUND:
                        connection.sendall(message.pack())
                    elif message == Message(DIGIT, b"#"):
                        connection.sendall(HANGUP.pack())

    def close(self) -> None:
        """No more calls; the one that goes on ends by itself."""
        self.listening.close()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def server(daemon: Daemon) -> Iterator[EchoServer]:
    """The server, known to the dialplan."""
    running = EchoServer()
    daemon.cli(f"dialplan set global AUDIOSOCKET {running.service}")
    yield running
    running.close()


@pytest.mark.parametrize(("number", "kind"), [("616", SOUND), ("617", SOUND + 2)])
def test_a_caller_hears_the_server_echo(
    daemon: Daemon, server: EchoServer, tmp_path: Path, number: str, kind: int
) -> None:
    said = audio.chirps(10)
    with Phone("alice", "of-alice", f"127.0.0.1:{daemon.sip_port}") as alice:
        alice.start()
        alice.files(audio.write(tmp_path / "said.wav", said), tmp_path / "heard.wav").call(number)
        alice.wait_state("CONFIRMED")
        alice.pause(4)
        alice.do("digits", digits="5#")
        alice.wait_state("DISCONNECTED")
        alice.close()
    likeness, delay = audio.correlation(said, audio.read(tmp_path / "heard.wav"))
    assert likeness > 0.7, f"the echo correlates by {likeness:.2f}"
    assert delay < 1.0
    assert server.received[0] == Message(1, bytes.fromhex("40325ec25efd4bd3805f53576e581d13"))
    assert {message.kind for message in server.received[1:]} == {DIGIT, kind}
    assert [message.payload for message in server.received if message.kind == DIGIT] == [b"5", b"#"]
