"""Addresses to listen at, and the sockets that do."""

from __future__ import annotations

import socket


def join_address(host: str, port: int) -> str:
    """``address:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listening_socket(host: str, port: int) -> socket.socket:
    """A listening TCP socket; at ``::`` it takes IPv4 too, as Asterisk's does. Raises OSError.

    Names are looked up, which may block: give addresses where possible.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    if not host:
        found.sort(key=lambda item: item[0] != socket.AF_INET6)
    family, kind, number, _name, address = found[0]
    sock = socket.socket(family, kind, number)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
        sock.listen(100)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def plain(address: object) -> tuple[str, int]:
    """A socket address as address and port; IPv4 in IPv6's clothes is shown as IPv4."""
    if not isinstance(address, tuple):
        return ("", 0)
    host, port = str(address[0]), int(address[1])
    return (host.removeprefix("::ffff:") if "." in host else host), port
