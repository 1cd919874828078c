"""Offhook itself on the board's processor and kernel."""

from __future__ import annotations

import platform
import socket
from pathlib import Path

from support.daemon import Daemon

PJSIP = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}
"""


def test_the_daemon_starts_and_answers_sip(tmp_path: Path) -> None:
    assert platform.machine() == "aarch64"
    with Daemon(tmp_path, {"pjsip.conf": PJSIP}) as daemon:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind(("127.0.0.1", 0))
            phone.settimeout(10)
            here = "{}:{}".format(*phone.getsockname())
            question = (
                f"OPTIONS sip:127.0.0.1:{daemon.sip_port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKguest\r\n"
                f"From: <sip:guest@{here}>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: guest\r\nCSeq: 1 OPTIONS\r\n"
                f"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            phone.sendto(question.encode(), ("127.0.0.1", daemon.sip_port))
            answer = phone.recv(4000).decode()
        assert answer.startswith("SIP/2.0 ")
        assert "Call-ID: guest" in answer
