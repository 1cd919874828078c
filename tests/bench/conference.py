"""SIP phones in a conference, for both daemons of bench-media: what a party costs.

``Party`` calls extensions of a daemon by SIP over UDP and sends G.711 all the time, as phones without silence
suppression do: a few speak, the others send silence. They live in a process of their own, in the daemon's network
namespace; told to, it calls and goes on until its input ends::

    conference.py PARTIES ROOMS FOLDER
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HOST = Path(__file__).resolve().parents[2] / "host"
sys.path.insert(0, str(HOST))

from offhook.media import Engine, RtpLeg, Settings, format_named  # noqa: E402

SPEAKING = 3
"""In each room."""
LEAST = 60
"""So many parties at least are measured: small rooms several at a time."""
PAUSE_S = 0.03
"""Between two calls."""
ANSWER_S = 10.0
ADDRESS, PORT, OWN_PORT = "127.0.0.1", 5060, 5098

PJSIP = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:5060
[phones]
type = endpoint
context = bench
disallow = all
allow = ulaw
direct_media = no
[phones]
type = identify
endpoint = phones
match = 127.0.0.1
"""
CONFBRIDGE = """\
[general]
[quiet]
type = user
quiet = yes
"""
DIALPLAN = """
exten => _9.,1,Answer()
 same => n,ConfBridge(${EXTEN},,quiet)
"""


class Party:
    """One phone: its call and its sound."""

    def __init__(self, engine: Engine, number: int, room: str) -> None:
        self.leg: RtpLeg = engine.rtp_leg(ADDRESS)
        self.call_id = f"party-{number}-{room}@{ADDRESS}"
        self._room = room
        self._number = number

    def _lines(self, method: str, sequence: int, to_tag: str = "") -> list[str]:
        target = f"sip:{self._room}@{ADDRESS}:{PORT}"
        return [
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {ADDRESS}:{OWN_PORT};branch=z9hG4bK-{self._room}-{self._number}-{method}",
            "Max-Forwards: 70",
            f"From: <sip:{self._number}@{ADDRESS}>;tag=party{self._number}",
            f"To: <{target}>{to_tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:{self._number}@{ADDRESS}:{OWN_PORT}>",
        ]

    def invite(self) -> bytes:
        """The call."""
        number = self._number
        sdp = (
            f"v=0\r\no=- {number} 1 IN IP4 {ADDRESS}\r\ns=-\r\nc=IN IP4 {ADDRESS}\r\nt=0 0\r\n"
            f"m=audio {self.leg.local_port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
        )
        lines = [*self._lines("INVITE", 1), "Content-Type: application/sdp", f"Content-Length: {len(sdp)}"]
        return ("\r\n".join(lines) + "\r\n\r\n" + sdp).encode()

    def ack(self, answer: str) -> bytes:
        """What follows the answer; sound begins."""
        found = re.search(r"^To:.*?(;tag=\S+)", answer, re.MULTILINE | re.IGNORECASE)
        port = re.search(r"^m=audio (\d+)", answer, re.MULTILINE)
        assert found is not None and port is not None
        ulaw = format_named("ulaw")
        self.leg.set_codecs({0: ulaw}, (0, ulaw), (101, 8000))
        self.leg.set_remote(ADDRESS, int(port[1]))
        lines = [*self._lines("ACK", 1, found[1]), "Content-Length: 0"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def take_part(parties: int, rooms: int, folder: Path) -> None:
    """Call rooms of so many parties, tell on a line how many were answered, and make sound until the input ends."""
    engine = Engine(settings=Settings(socket_mode="leg", port_low=30000, port_high=39998))
    engine.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sip:
        sip.bind((ADDRESS, OWN_PORT))
        everybody = [Party(engine, number, f"9{parties}{number // parties:03}") for number in range(parties * rooms)]
        sip.setblocking(False)
        answered = 0
        for party in everybody:
            answered += await _call(sip, party)
        for number, party in enumerate(everybody):
            if number % parties < SPEAKING:
                party.leg.tones("!440+800/200,!0/100,!1200+2000/200,!300/500,440+800/200,0/100,1200+2000/200,300/500")
            else:
                party.leg.play(folder / "silence.wav", loop=True)
        print(answered, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(sum(party.leg.stats().rx_packets for party in everybody), flush=True)
    engine.stop()


async def _call(sip: socket.socket, party: Party) -> bool:
    """Call, and acknowledge the answer; whether there was one."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendto(sip, party.invite(), (ADDRESS, PORT))
    try:
        async with asyncio.timeout(ANSWER_S):
            while True:
                answer = (await loop.sock_recv(sip, 65536)).decode()
                if party.call_id in answer and not answer.startswith("SIP/2.0 1"):
                    break
    except TimeoutError:
        return False
    if not answer.startswith("SIP/2.0 200 "):
        return False
    await loop.sock_sendto(sip, party.ack(answer), (ADDRESS, PORT))
    await asyncio.sleep(PAUSE_S)
    return True


# ---- as the bench drives it -------------------------------------------------------------------------------


def confer(daemon: Any, python: Path, parties: int, seconds: float, folder: Path, idle: float) -> float | None:
    """Percent of a core that the daemon takes for a party of such a room; None when not all were answered and heard."""
    rooms = max(1, LEAST // parties)
    total = parties * rooms
    command = [str(python), __file__, str(parties), str(rooms), str(folder)]
    inside = ["nsenter", f"--net=/proc/{daemon.process.pid}/ns/net", *command]
    with subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as phones:
        assert phones.stdin is not None and phones.stdout is not None
        answered = int(phones.stdout.readline() or 0)
        time.sleep(2)
        began, before = time.monotonic(), daemon.cpu()
        time.sleep(seconds)
        took = time.monotonic() - began
        percent = 100 * (daemon.cpu() - before) / took
        phones.stdin.close()
        heard = int(phones.stdout.readline() or 0)
    daemon.ask("channel request hangup all")
    time.sleep(2)
    full = answered == total and heard > 0.9 * total * 50 * (seconds + 1)
    return (percent - idle) / total if full else None


if __name__ == "__main__":
    asyncio.run(take_part(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
