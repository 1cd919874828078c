"""AudioSocket's connection: reached and introduced here, then the engine's (``Engine.stream_leg``).

A message is a kind, the length of what follows in network order, and that: who is there (our first), sound both ways,
digits from us, a hangup from the server. What the engine does with them is in host/engine/stream_framing.c.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket

from offhook.modules import Module

module = Module("res_audiosocket", "AudioSocket support", support="extended", priority=15)

CONNECT_S = 2.0
"""For each address of the server."""
KIND_UUID = 0x01
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SERVICE = re.compile(r"(?:\[(?P<v6>[^]]+)\]|(?P<host>[^\[\]:]+)):(?P<port>\d{1,5})")


class AudioSocketError(Exception):
    """The server cannot be reached, or what names it or the call is wrong; the sentence says which."""


def parse_uuid(text: str) -> bytes:
    """The 16 octets of a UUID in its usual form. Raises AudioSocketError."""
    if not _UUID.fullmatch(text):
        raise AudioSocketError(f'"{text}" is no UUID such as 40325ec2-5efd-4bd3-805f-53576e581d13')
    return bytes.fromhex(text.replace("-", ""))


def parse_service(text: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[IPv6]:port``. Raises AudioSocketError."""
    found = _SERVICE.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65_536:
        raise AudioSocketError(f'"{text}" names no server; write host:port or [IPv6]:port')
    return found["v6"] or found["host"], int(found["port"])


async def connect(service: str) -> socket.socket:
    """A connection to the first address of ``host:port`` that takes one in two seconds. Raises AudioSocketError."""
    host, port = parse_service(service)
    loop = asyncio.get_running_loop()
    try:
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AudioSocketError(f"the server {service} is not found: {error.strerror}") from error
    why = "it has no address"
    for family, kind, protocol, _name, address in addresses:
        try:
            return await _connected(socket.socket(family, kind, protocol), address)
        except TimeoutError:
            why = f"no answer in {CONNECT_S:g} s"
        except OSError as error:
            why = error.strerror or str(error)
    raise AudioSocketError(f"the server {service} cannot be reached: {why}")


async def _connected(made: socket.socket, address: tuple[object, ...]) -> socket.socket:
    with contextlib.ExitStack() as stack:
        stack.callback(made.close)
        made.setblocking(False)
        async with asyncio.timeout(CONNECT_S):
            await asyncio.get_running_loop().sock_connect(made, address)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stack.pop_all()
    return made


def introduce(connection: socket.socket, uuid: bytes) -> None:
    """Say which call it is: the first message of a connection. Raises AudioSocketError."""
    message = bytes((KIND_UUID, 0, len(uuid))) + uuid
    try:
        sent = connection.send(message)
    except OSError as error:
        raise AudioSocketError(f"the server does not take our first message: {error.strerror}") from error
    if sent != len(message):
        raise AudioSocketError("the server does not take our first message")
