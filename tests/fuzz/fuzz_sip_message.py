"""Fuzz the SIP parsers: any bytes are understood or refused with SIPError, in bounded time.

    python tests/fuzz/fuzz_sip_message.py [corpus directory] -max_total_time=120

Needs atheris (PyPI). Besides parsing, every typed value is asked for, the message goes through a transaction layer, and
what is written is read again.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host"), str(ROOT / "tests")]

with atheris.instrument_imports(include=["offhook"]):
    from offhook.sip.auth import DigestServer, Secret, challenges_of
    from offhook.sip.body import parts_of
    from offhook.sip.dialog import Dialog
    from offhook.sip.errors import SIPError
    from offhook.sip.framing import StreamFraming
    from offhook.sip.layer import TransactionLayer
    from offhook.sip.message import Request, Response
    from offhook.sip.parser import parse
    from offhook.sip.reliable import parse_rack
    from offhook.sip.sdp import parse_sdp
    from offhook.sip.session_timer import SessionTimer, session_expires
    from offhook.sip.subscription import event_of


class Flow(NamedTuple):
    reliable: bool


ADDRESSES = ("Contact", "Route", "Record-Route", "Diversion", "P-Asserted-Identity", "Remote-Party-ID", "History-Info")
SERVER = DigestServer(b"key")


def typed(message: Request | Response) -> None:
    """Ask for every typed value; each may refuse."""
    for ask in (
        lambda: message.via,
        lambda: message.cseq,
        lambda: str(message.from_),
        lambda: str(message.to),
        lambda: message.expires,
        lambda: message.reasons,
        lambda: message.replaces,
        lambda: message.privacy,
        lambda: [str(address) for name in ADDRESSES for address in message.addresses(name)],
        lambda: session_expires(message),
        lambda: event_of(message),
        lambda: parse_rack(message.get("RAck")),
        lambda: parts_of(message),
        lambda: parse_sdp(message.body),
    ):
        with suppress(SIPError):
            ask()


def one(data: bytes) -> None:
    with suppress(SIPError):
        for frame in StreamFraming().feed(data):
            with suppress(SIPError):
                parse(frame, stream=True)
    try:
        message = parse(data)
    except SIPError as error:
        TransactionLayer().reject(error, Flow(False))
        return
    typed(message)
    if isinstance(message, Request):
        SERVER.verify(message, "asterisk", [Secret("alice", "secret")], 0.0)
        with suppress(SIPError):
            message.validate()
            _ = message.uri.user, str(message.uri)
            assert parse(message.response(200, to_tag="t").to_bytes()).call_id == message.call_id
            dialog = Dialog.of_request(message, "tag")
            _ = dialog.next_hop
            parse(b"\r\n".join([b"BYE sip:a SIP/2.0", b"Via: SIP/2.0/UDP h"]) + dialog.request("BYE").to_bytes()[17:])
        with suppress(SIPError):
            SessionTimer().check(message)
    else:
        challenges_of(message)
    layer = TransactionLayer()
    layer.receive(message, Flow(False), 0.0)
    layer.receive(message, Flow(False), 0.1)
    layer.timer(100.0)
    again = parse(message.to_bytes())
    assert again.start_line == message.start_line
    assert [header for header in again.headers if header[0] != "Content-Length"] == [
        header for header in message.headers if header[0] != "Content-Length"
    ]
    assert again.body == message.body


def seeds(directory: Path) -> None:
    """Write the torture messages as a first corpus."""
    from sip.torture import INVALID, VALID

    directory.mkdir(parents=True, exist_ok=True)
    for name, data in [*VALID.items(), *((name, case[0]) for name, case in INVALID.items())]:
        (directory / name).write_bytes(data)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("-"):
            seeds(Path(argument))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
