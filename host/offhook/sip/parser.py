"""Bytes to messages: the start line and the headers are split and checked, the rest waits until somebody asks."""

from __future__ import annotations

from .errors import SIPError
from .grammar import is_token, parse_number
from .headers import CANONICAL, METHODS, SINGLE, CSeq, canonical
from .message import Message, Request, Response

MAX_HEADERS = 256
_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")
_MANDATORY_SET = frozenset(_MANDATORY)


def parse(data: bytes, *, stream: bool = False) -> Request | Response:
    """Parse one message (of a datagram, or one frame of a stream).

    Splits start line and headers and checks what everything after relies on: one each of From, To, Call-ID and CSeq,
    a Via, the CSeq method, Content-Length against the bytes present. Raises SIPError; its `request` is set when the
    fault can be answered.
    """
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")  # RFC 3261 7.5
    end = data.find(b"\r\n\r\n")
    text = data[: end if end >= 0 else len(data)].decode("utf-8", "surrogateescape")
    lines = text.split("\r\n")
    plain = "".join(lines)
    skip = 4
    if end < 0 or "\n" in plain or "\r" in plain:
        # Bare line feeds are tolerated as line breaks, bare carriage returns as white space.
        end, skip = _lenient_end(data)
        text = data[:end].decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", " ")
        lines = text.split("\n")
    body = data[end + skip :]
    start = lines[0]
    message = _parse_start(start)
    fault = _parse_headers(message, lines)
    try:
        if isinstance(message, Request) and not start.endswith(" SIP/2.0"):
            version = start.rpartition(" ")[2].upper()
            if version != "SIP/2.0":
                raise SIPError(505 if version[:4] == "SIP/" else 400, detail="malformed request line")
        if fault is not None:
            raise fault
        first = _check(message)
        message.body = _checked_body(first.get("Content-Length"), body, stream)
    except SIPError as error:
        if isinstance(message, Request) and message.method != "ACK" and all(n in message for n in _MANDATORY):
            error.request = message
        raise
    return message


def _lenient_end(data: bytes) -> tuple[int, int]:
    end = data.find(b"\n\n")
    crlf = data.find(b"\n\r\n")
    if end < 0 or 0 <= crlf < end:
        end = crlf
        if end < 0:
            return len(data.rstrip(b"\r\n")), len(data)
        if data[end - 1 : end] == b"\r":
            return end - 1, 4
        return end, 3
    return end, 2


def _parse_start(line: str) -> Request | Response:
    first, space, rest = line.partition(" ")
    if not space:
        raise SIPError(400, detail="no start line")
    if first[:4].upper() == "SIP/":
        code, _, reason = rest.partition(" ")
        if first.upper() != "SIP/2.0":
            raise SIPError(505, detail=f"version {first[:20]}")
        if len(code) != 3 or not (code.isascii() and code.isdigit()) or not "100" <= code <= "699":
            raise SIPError(400, detail="malformed status code")
        return Response(int(code), reason)
    target, _, version = rest.rpartition(" ")
    if first not in METHODS and not is_token(first):
        raise SIPError(400, detail="malformed method")
    return Request(first, target if version[:4].upper() == "SIP/" else rest)


def _parse_headers(message: Message, lines: list[str]) -> SIPError | None:
    headers = message.headers
    append = headers.append
    spelling = CANONICAL
    fault: SIPError | None = None
    del lines[0]
    for line in lines:
        name, colon, value = line.partition(":")
        if name in spelling:
            append((spelling[name], value.strip()))
        else:
            if not line:
                continue
            if line[0] in " \t":
                if lines[0] is line:
                    return SIPError(400, detail="folded start line")
                headers.clear()
                return _parse_headers(message, ["", *_unfold(lines)])
            name = name.rstrip()
            if not colon or not is_token(name):
                fault = fault or SIPError(400, detail=f"malformed header line: {line[:60]}")
                continue
            append((canonical(name), value.strip()))
    if len(headers) > MAX_HEADERS:
        return SIPError(400, detail=f"more than {MAX_HEADERS} header lines")
    return fault


def _unfold(lines: list[str]) -> list[str]:
    # RFC 3261 7.3.1: a line that begins with white space continues the one before.
    return "\n".join(lines).replace("\n ", " ").replace("\n\t", " ").split("\n")


def _check(message: Request | Response) -> dict[str, str]:
    # The first value of each header, once the message has what everything after relies on.
    headers = message.headers
    first = message._first = dict(reversed(headers))
    if len(first) != len(headers):
        seen: set[str] = set()
        for name, _ in headers:
            if name in SINGLE:
                if name in seen:
                    raise SIPError(400, f"Multiple {name} header fields")
                seen.add(name)
    if not first.keys() >= _MANDATORY_SET:
        missing = next(name for name in _MANDATORY if name not in first)
        raise SIPError(400, f"Missing {missing} header field")
    if not first["Call-ID"]:
        raise SIPError(400, "Missing Call-ID header field")
    cseq = message._cseq = CSeq.parse(first["CSeq"])
    if isinstance(message, Request):
        message.via  # noqa: B018
        if cseq.method != message.method:
            raise SIPError(400, "Bad CSeq", "method of CSeq differs from the request's")
    else:
        message.branch  # noqa: B018
    return first


def _checked_body(length_text: str | None, body: bytes, stream: bool) -> bytes:
    if length_text is None:
        if stream and body:
            raise SIPError(400, "Missing Content-Length header field")
        return body
    length = parse_number(length_text, "Content-Length")
    if length > len(body):
        raise SIPError(400, "Bad Content-Length", f"{length} bytes announced, {len(body)} present")
    return body[:length]
