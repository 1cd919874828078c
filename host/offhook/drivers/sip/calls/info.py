"""INFO inside a call (RFC 6086, legacy usage): digits, hook flash, picture requests, and the record key of phones."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.frames import Condition, Control, Digit
from offhook.drivers.sip.calls.capabilities import ALLOW

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.drivers.sip.requests.incoming import IncomingRequest

log = logging.getLogger(__name__)

FLASH = "!"
_DEFAULT_MS = 100
_EVENTS = "0123456789*#ABCD"

_PICTURE_REQUEST = (
    '<?xml version="1.0" encoding="utf-8" ?>\r\n'
    " <media_control>\r\n"
    "  <vc_primitive>\r\n"
    "   <to_encoder>\r\n"
    "    <picture_fast_update/>\r\n"
    "   </to_encoder>\r\n"
    "  </vc_primitive>\r\n"
    " </media_control>\r\n"
)


def receive_info(call: CallSession, incoming: IncomingRequest) -> None:
    """Take an INFO; an empty one is somebody's keepalive."""
    message = incoming.message
    content_type = message.content_type
    channel = call.channel
    wish = (message.get("Record") or "").strip().lower()
    if wish in ("on", "off"):
        incoming.respond(_record(call, wish))
    elif not content_type:
        incoming.respond(200)
    elif channel is None:
        incoming.respond(481)
    elif content_type in ("application/dtmf", "application/dtmf-relay", "application/hook-flash"):
        if not message.body:
            incoming.respond(200)
            return
        text = message.body.decode("utf-8", "replace")
        digit, duration_ms = digit_of(content_type, text)
        incoming.respond(200 if digit else 500)
        if digit == FLASH:
            channel.deliver(Control(Condition.FLASH))
        elif digit:
            channel.deliver(Digit(digit, end=False))
            channel.deliver(Digit(digit, end=True, duration_ms=duration_ms))
        else:
            log.error("%s: an INFO holds no DTMF event: %.60r", channel.name, text)
    elif content_type == "application/media_control+xml":
        incoming.respond(200)
        channel.deliver(Control(Condition.VIDEO_UPDATE))
    else:
        # RFC 6086 4.2.2 knows 469 for packages; for a body we cannot read 415 is the answer.
        incoming.respond(415, headers=[("Accept", "application/dtmf, application/dtmf-relay"), ALLOW])


def _record(call: CallSession, wish: str) -> int:
    """The record key: dial the digits of the endpoint's recording feature for the phone; the status to answer."""
    channel, endpoint = call.channel, call.endpoint
    if channel is None:
        return 481
    name = endpoint.record_on_feature if wish == "on" else endpoint.record_off_feature
    features = channel.pbx.parts.get("features")
    digits = features.digits(channel, name) if features is not None and endpoint.one_touch_recording and name else ""
    if not digits:
        return 403
    for digit in digits:
        channel.deliver(Digit(digit, end=False))
        channel.deliver(Digit(digit, end=True, duration_ms=_DEFAULT_MS))
    return 200


def digit_of(content_type: str, text: str) -> tuple[str, int]:
    """The digit, "" when there is none, and its milliseconds in the body of an INFO."""
    if content_type == "application/dtmf-relay":
        return _relay(text)
    return (_event(text) if content_type == "application/dtmf" else FLASH), _DEFAULT_MS


def _event(text: str) -> str:
    """The digit of an event as people write it: its sign, or RFC 4733's number."""
    text = text.strip()
    first = text[:1]
    if first and first in "!*#ABCDabcd":
        return first.upper()
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    if not digits or len(digits) > 2:
        return ""
    number = int(digits)
    if number == 16:
        return FLASH
    return _EVENTS[number] if number < len(_EVENTS) else ""


def _relay(text: str) -> tuple[str, int]:
    digit, duration_ms = "", _DEFAULT_MS
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals:
            continue
        name, value = name.strip().lower(), value.strip()
        if name == "signal":
            digit = _event(value)
            if not digit:
                break
        elif name == "duration" and value.isascii() and value.isdigit() and len(value) < 7:
            duration_ms = int(value)
    return digit, duration_ms


def send_digit(call: CallSession, digit: str, duration_ms: int) -> None:
    """Send a digit, or "!" for a hook flash, by INFO."""
    body = f"Signal={digit}\r\nDuration={duration_ms}\r\n".encode()
    call.send("INFO", body=body, content_type="application/dtmf-relay")


def send_picture_request(call: CallSession) -> None:
    """Ask the peer's video for a whole picture (RFC 5168)."""
    call.send("INFO", body=_PICTURE_REQUEST.encode(), content_type="application/media_control+xml")
