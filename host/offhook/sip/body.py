"""Message bodies: finding a part by its type, multipart/mixed in and out (RFC 5621, RFC 2046 5.1)."""

from __future__ import annotations

from typing import NamedTuple

from .errors import SIPError
from .grammar import unquote
from .headers import Valued
from .message import Message

MAX_PARTS = 32


class Part(NamedTuple):
    """One body part: type/subtype in lower case, its headers (lower-case names), its content."""

    content_type: str
    headers: dict[str, str]
    content: bytes


def parts_of(message: Message) -> list[Part]:
    """The body as parts: one for a plain body, all for a multipart one (not nested), none without a body.

    SIPError(400) for a multipart body without a usable boundary.
    """
    if not message.body:
        return []
    content_type = message.content_type
    if not content_type.startswith("multipart/"):
        return [Part(content_type, {}, message.body)]
    header = Valued.parse(message.get("Content-Type") or "")
    boundary = unquote(header.params.get("boundary") or "")
    if not boundary or len(boundary) > 70:
        raise SIPError(400, detail="multipart body without a boundary")
    delimiter = b"\r\n--" + boundary.encode("utf-8", "surrogateescape")
    parts: list[Part] = []
    for chunk in (b"\r\n" + message.body).split(delimiter)[1:]:
        if chunk.startswith(b"--"):
            break
        if len(parts) >= MAX_PARTS:
            raise SIPError(400, detail="too many body parts")
        parts.append(_part(chunk))
    return parts


def _part(chunk: bytes) -> Part:
    _, _, rest = chunk.partition(b"\r\n")  # padding after the delimiter
    if rest.startswith(b"\r\n"):
        head, content = b"", rest[2:]
    else:
        head, _, content = rest.partition(b"\r\n\r\n")
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "surrogateescape").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    type_ = (headers.get("content-type") or headers.get("c") or "text/plain").partition(";")[0].strip().lower()
    return Part(type_, headers, content)


def find_part(message: Message, content_type: str) -> bytes | None:
    """The content of the first part of that type ("application/sdp"), None when there is none."""
    if message.content_type == content_type:
        return message.body or None
    if not message.content_type.startswith("multipart/"):
        return None
    for part in parts_of(message):
        if part.content_type == content_type:
            return part.content
    return None


def multipart(parts: list[tuple[str, bytes]], boundary: str, subtype: str = "mixed") -> tuple[str, bytes]:
    """(Content-Type value, body) of the given (content type, content) parts. The boundary must not occur in them."""
    chunks: list[bytes] = []
    for content_type, content in parts:
        chunks.append(f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode() + content + b"\r\n")
    chunks.append(f"--{boundary}--\r\n".encode())
    return f'multipart/{subtype};boundary="{boundary}"', b"".join(chunks)
