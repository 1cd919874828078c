"""A web server on the loopback that does as its tests say, down to the octet, for as long as somebody listens."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator

Script = Callable[[], Iterable[bytes]]


class HostileWeb:
    """Answers by path with the pieces of a script; without one for it, with an empty page."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.scripts: dict[str, Script] = {}
        self.greeting: Script | None = None
        """What is said to whoever connects, before they have asked."""
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.stopped = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def page(self, path: str, head: str, *body: bytes) -> str:
        """Have a path answered with a head (lines between ``|``) and a body; its URL."""
        data = head.replace("|", "\r\n").encode("latin-1") + b"\r\n\r\n" + b"".join(body)
        return self.script(path, lambda: [data])

    def script(self, path: str, script: Script) -> str:
        """Have a path answered with the pieces of a script; its URL."""
        self.scripts[path] = script
        return self.url + path

    def drip(self, text: bytes) -> Iterator[bytes]:
        """A text octet by octet, slowly, again and again."""
        while not self.stopped.wait(0.01):
            for octet in text:
                yield bytes((octet,))
                self.stopped.wait(0.01)

    def close(self) -> None:
        """Serve no more."""
        self.stopped.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError):
            if self.greeting is not None:
                self._say(connection, self.greeting)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (data := connection.recv(4096)):
                    return
                head += data
            self.heads.append(head.decode("latin-1"))
            path = head.split(b" ")[1].decode()
            self.asked.append(path)
            self._say(connection, self.scripts.get(path, lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):  # closed at once, what was not read yet would be lost
                pass

    def _say(self, connection: socket.socket, script: Script) -> None:
        for piece in script():
            if self.stopped.is_set():
                return
            connection.sendall(piece)
