"""Fuzz what SIP messages carry besides descriptions: digits in INFO, message summaries, parts; and what SMDI links say.

    python tests/fuzz/fuzz_sip_bodies.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook.drivers.sip", "offhook.drivers.smdi", "offhook.sip"]):
    from offhook.drivers.sip.calls.info import digit_of
    from offhook.drivers.sip.subscriptions.notified import counts_of
    from offhook.drivers.smdi.protocol import CallMessage, Reader
    from offhook.sip.body import find_part, parts_of
    from offhook.sip.errors import SIPError
    from offhook.sip.message import make_request
    from offhook.sip.uri import SipUri

KINDS = ("application/dtmf", "application/dtmf-relay", "application/hook-flash")


def smdi(data: bytes) -> list[object]:
    """However octets are cut, the same messages are made of them."""
    whole = list(Reader(1).feed(data))
    reader = Reader(1)
    assert [message for octet in data for message in reader.feed(bytes((octet,)))] == whole
    for message in whole:
        if isinstance(message, CallMessage):
            assert len(message.station) <= 10 and len(message.caller) <= 10
    return list(whole)


def one(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for kind in KINDS:
        digit, duration_ms = digit_of(kind, text)
        assert len(digit) <= 1 and 0 <= duration_ms < 1_000_000
    with suppress(SIPError):
        assert all(0 <= count < 10**9 for count in counts_of(text))
    request = make_request("INFO", SipUri("x"), "<sip:a@x>;tag=1", "<sip:b@x>", "id", 1)
    kind, _, body = data.partition(b"\n")
    request.set("Content-Type", "multipart/mixed;boundary=" + kind.decode("utf-8", "replace"))
    request.body = body
    with suppress(SIPError):
        assert sum(len(part.body) for part in parts_of(request)) <= len(body)
    with suppress(SIPError):
        find_part(request, "application/sdp")
    smdi(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
