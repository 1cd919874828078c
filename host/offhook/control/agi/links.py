"""The ways to a program: a child process, or a connection to its server. Lines come in, text goes out."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from offhook.control.agi.protocol import LINE_LIMIT
from offhook.daemon.process import die_with_parent

if TYPE_CHECKING:
    from offhook.config.paths import Paths

FASTAGI_PORT = 4573
CONNECT_S = 2.0
EAGI_DESCRIPTOR = 3
MOST_UNREAD = 1000
"""Lines of a program that may wait to be carried out."""


class LaunchError(Exception):
    """The program cannot be started or reached. ``status`` is what AGISTATUS becomes."""

    def __init__(self, sentence: str, status: str = "FAILURE") -> None:
        super().__init__(sentence)
        self.status = status


class Link:
    """A program's lines, as they come, and its end."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque()
        self.ended = False
        self.on_arrival: Callable[[], None] | None = None
        """Called when a line has come, or the end."""
        self._rest = b""
        self._held = False
        """A program that says more than is carried out waits."""
        self._waiter: asyncio.Future[None] | None = None

    async def line(self) -> str | None:
        """The next line without its end; None when there will be none."""
        while not self.lines and not self.ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.take() if self.lines else None

    def take(self) -> str:
        """The next line, of those that have come."""
        line = self.lines.popleft()
        if self._held and len(self.lines) <= MOST_UNREAD // 2:
            self._held = False
            self._hold(held=False)
        return line

    def feed(self, data: bytes) -> None:
        """Bytes came from the program."""
        if self.ended:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines.extend(line.decode("utf-8", "surrogateescape") for line in lines)
        if len(self._rest) > LINE_LIMIT:
            self._rest = b""
            self.feed_end()
        elif lines:
            if len(self.lines) > MOST_UNREAD and not self._held:
                self._held = True
                self._hold(held=True)
            self._arrived()

    def feed_end(self) -> None:
        """Nothing more comes."""
        if not self.ended:
            self.ended = True
            if self._rest:
                self.lines.append(self._rest.decode("utf-8", "surrogateescape"))
                self._rest = b""
            self._arrived()

    def _arrived(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        if self.on_arrival is not None:
            self.on_arrival()

    def _hold(self, *, held: bool) -> None:
        """Read nothing more for a while, or go on."""

    def send(self, text: str) -> None:
        """Write to the program; what it does not take any more is dropped."""

    def hang_up(self) -> None:
        """Tell the program that the call is over."""

    async def status(self) -> int:
        """Wait until the program has ended; its exit status."""
        return 0

    def close(self) -> None:
        """Let go of the program."""


class Connection(Link, asyncio.Protocol):
    """A FastAGI server."""

    def __init__(self) -> None:
        super().__init__()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.feed(data)

    def eof_received(self) -> bool:
        self.feed_end()
        return True

    def _hold(self, *, held: bool) -> None:
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.pause_reading if held else self._transport.resume_reading)()

    def connection_lost(self, error: Exception | None) -> None:
        self.feed_end()

    def send(self, text: str) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(text.encode("utf-8", "surrogateescape"))

    def hang_up(self) -> None:
        self.send("HANGUP\n")

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def connect(url: str) -> Connection:
    """Reach the server of ``agi://host[:port][/script]`` and begin as FastAGI does. Raises LaunchError."""
    address, _, script = url.partition("://")[2].partition("/")
    link = await reach(*split_address(address))
    link.send("agi_network: yes\n")
    if script:
        link.send(f"agi_network_script: {script}\n")
    return link


async def connect_any(url: str) -> Connection:
    """Reach one of the servers that ``hagi://domain[/script]`` names by SRV records. Raises LaunchError."""
    address, _, script = url.partition("://")[2].partition("/")
    servers = await _servers(address)
    for host, port in servers:
        try:
            link = await reach(host, port)
        except LaunchError:
            continue
        link.send("agi_network: yes\n")
        if script:
            link.send(f"agi_network_script: {script}\n")
        return link
    raise LaunchError(f"none of the servers of _agi._tcp.{address} takes connections")


async def _servers(domain: str) -> list[tuple[str, int]]:
    import dns.asyncresolver
    import dns.exception

    try:
        found = await dns.asyncresolver.resolve(f"_agi._tcp.{domain}", "SRV")
    except dns.exception.DNSException as error:
        raise LaunchError(f"no servers are found for _agi._tcp.{domain}: {error}") from error
    records = sorted(found, key=lambda record: (record.priority, -record.weight))
    return [(record.target.to_text(omit_final_dot=True), record.port) for record in records]


async def reach(host: str, port: int) -> Connection:
    """Connect to a program's server. Raises LaunchError."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            _transport, link = await loop.create_connection(Connection, host, port)
    except TimeoutError:
        raise LaunchError(f"the server {host} port {port} does not answer in {CONNECT_S:g} s") from None
    except OSError as error:
        raise LaunchError(f"the server {host} port {port} cannot be reached: {error}") from error
    return link


def split_address(address: str, usual_port: int = FASTAGI_PORT) -> tuple[str, int]:
    """Host and port of ``host``, ``host:port`` or ``[IPv6]:port``. Raises LaunchError."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        host, _, port = address.partition(":")
    if not host or (port and not (port.isdigit() and 0 < int(port) < 65_536)):
        raise LaunchError(f'"{address}" is no address of a server; write host or host:port')
    return host, int(port) if port else usual_port


class Child(Link, asyncio.SubprocessProtocol):
    """A program as a child process, its standard input and output ours."""

    def __init__(self, on_complaint: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._complaints = Link()
        self._on_complaint = on_complaint
        self._transport: Any = None
        self._exit: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.feed(data)
        elif self._on_complaint is not None:
            self._complaints.feed(data)
            while self._complaints.lines:
                self._on_complaint(self._complaints.lines.popleft())

    def pipe_connection_lost(self, fd: int, error: Exception | None) -> None:
        if fd == 1:
            self.feed_end()

    def process_exited(self) -> None:
        if not self._exit.done():
            self._exit.set_result(self._transport.get_returncode() or 0)

    def _hold(self, *, held: bool) -> None:
        pipe: Any = self._transport.get_pipe_transport(1) if self._transport is not None else None
        if pipe is not None and not pipe.is_closing():
            (pipe.pause_reading if held else pipe.resume_reading)()

    def send(self, text: str) -> None:
        pipe: Any = self._transport.get_pipe_transport(0) if self._transport is not None else None
        if pipe is not None and not pipe.is_closing():
            pipe.write(text.encode("utf-8", "surrogateescape"))

    def hang_up(self) -> None:
        if self._transport is not None and not self._exit.done():
            try:
                self._transport.send_signal(signal.SIGHUP)
            except ProcessLookupError:
                return

    async def status(self) -> int:
        return await asyncio.shield(self._exit)

    def close(self) -> None:
        if self._transport is not None:
            for number in (0, 1, 2):
                pipe = self._transport.get_pipe_transport(number)
                if pipe is not None:
                    pipe.close()


async def start(
    paths: Paths,
    script: str,
    arguments: list[str],
    audio: int = -1,
    on_complaint: Callable[[str], None] | None = None,
) -> Child:
    """Start a program of the AGI folder (or by its full path). Raises LaunchError.

    ``audio`` is a descriptor that the program gets as its number 3. ``on_complaint`` is called with each line that it
    writes to its standard error, which is ours otherwise.
    """
    path = script if script.startswith("/") else os.path.join(paths.agi, script)
    loop = asyncio.get_running_loop()
    if not await loop.run_in_executor(None, os.path.exists, path):
        raise LaunchError(f"{path} does not exist", "NOTFOUND")

    def prepare() -> None:
        die_with_parent()
        if audio >= 0:
            os.dup2(audio, EAGI_DESCRIPTOR)

    try:
        _transport, link = await loop.subprocess_exec(
            lambda: Child(on_complaint),
            path,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if on_complaint is None else asyncio.subprocess.PIPE,
            env={**os.environ, **paths.environment()},
            preexec_fn=prepare,
            pass_fds=(EAGI_DESCRIPTOR,) if audio >= 0 else (),
        )
    except OSError as error:
        raise LaunchError(f"{path} cannot be started: {error}") from error
    return link
