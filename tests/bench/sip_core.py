"""CPU of the SIP core: a whole call (INVITE 180 200 ACK BYE 200) between two layers in memory.

    python tests/bench/sip_core.py [calls]

Each leg of a bridged call costs one such flow's half on each side: what is printed for "both sides" is the work of one
leg's client and server together, so a bridged call (one incoming and one outgoing leg) costs the same.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "host"))

from offhook.sip.dialog import Dialog, Forks
from offhook.sip.events import Event, RequestReceived, ResponseReceived, Send
from offhook.sip.layer import TransactionLayer, new_tag
from offhook.sip.message import Request, Response, make_request
from offhook.sip.parser import parse
from offhook.sip.sdp import parse_sdp

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=Offhook\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 16384 RTP/AVP 0 8 9 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:9 G722/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n"
)
VIA = "SIP/2.0/UDP 192.0.2.1:5060;rport"
ALLOW = "OPTIONS, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, MESSAGE, INFO, REFER"
EXTRA = [
    ("Allow", ALLOW),
    ("Supported", "100rel, timer, replaces, norefersub, histinfo"),
    ("Session-Expires", "1800"),
    ("Min-SE", "90"),
]
SERVER = ("Server", "Offhook")


class Flow(NamedTuple):
    transport: int
    remote: tuple[str, int]

    @property
    def reliable(self) -> bool:
        return False


FLOW = Flow(1, ("192.0.2.2", 5060))


def sends(events: list[Event]) -> list[bytes]:
    return [event.data for event in events if isinstance(event, Send)]


class Server:
    """Answers calls."""

    def __init__(self) -> None:
        self.layer = TransactionLayer()
        self.dialogs: dict[tuple[str, str, str], Dialog] = {}

    def receive(self, data: bytes, now: float) -> list[bytes]:
        message = parse(data)
        if isinstance(message, Request) and message.method != "ACK":
            message.received_from("192.0.2.1", 5060)
        out: list[bytes] = []
        for event in self.layer.receive(message, FLOW, now):
            if isinstance(event, Send):
                out.append(event.data)
            elif isinstance(event, RequestReceived):
                out += self.request(event, now)
        return out

    def request(self, event: RequestReceived, now: float) -> list[bytes]:
        request, transaction = event.request, event.transaction
        if request.method == "INVITE":
            tag = new_tag()
            dialog = Dialog.of_request(request, tag)
            self.dialogs[dialog.id] = dialog
            _ = request.uri.user, request.from_.display, parse_sdp(request.body).media[0].rtpmaps
            out = sends(self.layer.respond(transaction, request.response(100), now))
            for status in (180, 200):
                response = request.response(status, to_tag=tag)
                response.headers += [SERVER, ("Contact", "<sip:192.0.2.2:5060>"), ("Allow", ALLOW)]
                if status == 200:
                    response.headers.append(("Content-Type", "application/sdp"))
                    response.body = SDP
                out += sends(self.layer.respond(transaction, response, now))
            return out
        key = (request.call_id, request.to_tag, request.from_tag)
        self.dialogs.pop(key).receive_request(request)
        return sends(self.layer.respond(transaction, request.response(200), now))


class Client:
    """Makes calls and hangs up."""

    def __init__(self) -> None:
        self.layer = TransactionLayer()

    def call(self, number: int, now: float) -> tuple[list[bytes], Forks]:
        invite = make_request(
            "INVITE",
            "sip:100@192.0.2.2:5060",
            f'"Alice" <sip:alice@192.0.2.1>;tag={new_tag()}',
            "<sip:100@192.0.2.2>",
            f"{number}-{new_tag()}",
            1,
            EXTRA,
            contact="<sip:alice@192.0.2.1:5060>",
            user_agent="Offhook",
            body=SDP,
            content_type="application/sdp",
        )
        return sends(self.layer.request(invite, FLOW, now, via=VIA)[1]), Forks(invite)

    def receive(self, data: bytes, forks: Forks, now: float) -> list[bytes]:
        message = parse(data)
        assert isinstance(message, Response)
        out: list[bytes] = []
        for event in self.layer.receive(message, FLOW, now):
            if isinstance(event, ResponseReceived) and event.response.cseq.method == "INVITE":
                dialog = forks.receive(event.response)
                if event.response.status == 200 and dialog is not None:
                    _ = parse_sdp(event.response.body).media[0].rtpmaps
                    out += sends(self.layer.acknowledge(event.transaction, dialog.ack(1), FLOW, now, via=VIA))
                    bye = dialog.request("BYE", user_agent="Offhook")
                    out += sends(self.layer.request(bye, FLOW, now, via=VIA)[1])
        return out


def run(calls: int, rounds: int = 5) -> None:
    best = float("inf")
    for _ in range(rounds):
        client, server = Client(), Server()
        now = 0.0
        messages = 0
        start = time.process_time()
        for number in range(calls):
            now += 0.01
            to_server, forks = client.call(number, now)
            while to_server:
                to_client = [data for received in to_server for data in server.receive(received, now)]
                messages += len(to_server) + len(to_client)
                to_server = [data for received in to_client for data in client.receive(received, forks, now)]
            client.layer.timer(now)
            server.layer.timer(now)
        best = min(best, time.process_time() - start)
    live = len(client.layer), len(server.layer)
    client.layer.timer(now + 100)
    server.layer.timer(now + 100)
    print(f"{best / calls * 1e6:8.1f} us a call, both sides ({messages / calls:.0f} messages), best of {rounds} rounds")
    print(f"{best / messages * 1e6:8.1f} us a message sent and received")
    print(f"{live} transactions lingering at the end, {len(client.layer), len(server.layer)} after the timers")


def memory(calls: int) -> None:
    tracemalloc.start()
    client, server = Client(), Server()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(calls):
        to_server, forks = client.call(number, 0.0)
        while to_server:
            to_client = [data for received in to_server for data in server.receive(received, 0.0)]
            to_server = [data for received in to_client for data in client.receive(received, forks, 0.0)]
    lingering = tracemalloc.get_traced_memory()[0] - before
    client.layer.timer(100.0)
    server.layer.timer(100.0)
    print(f"{lingering / calls:8.0f} bytes a finished call, both sides, while its transactions linger")
    print(f"{tracemalloc.get_traced_memory()[0] - before:8.0f} bytes left of {calls} calls after the timers")
    tracemalloc.stop()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    run(count)
    memory(min(count, 1000))
