"""Fuzz caller ID as it comes from a line: any octets are taken, and what is read encodes to what reads the same.

    python tests/fuzz/fuzz_callerid.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook"]):
    from offhook.media.callerid import (
        Call,
        JapaneseReceiver,
        MessageError,
        Receiver,
        Waiting,
        decode,
        decode_digits,
        encode_call,
        encode_waiting,
    )
    from offhook.media.callerid.message import checksum


def one(data: bytes) -> None:
    receiver = Receiver()
    for at in range(0, len(data), 5):
        receiver.feed(data[at : at + 5])
    receiver.carrier_lost()
    japanese = JapaneseReceiver()
    japanese.feed(b"\x10\x01" + data)
    japanese.carrier_lost()
    decode_digits(data.decode("latin-1"))
    body = data[:1] + bytes((min(255, len(data) - 1),)) + data[1:256] if data else b""
    try:
        found = decode(body + bytes((checksum(body),)))
        again = decode(encode_waiting(found) if isinstance(found, Waiting) else encode_call(found))
    except MessageError:
        return
    if isinstance(found, Waiting):
        assert isinstance(again, Waiting)
        assert again.lamp == found.lamp
    else:
        assert isinstance(again, Call)
        assert (again.number is None) == (found.number is None)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
