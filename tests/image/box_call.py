"""A call from this machine to the echo test of a box, with sound."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket

from box_story import ANSWER_S, Box

from offhook.sip.auth import Credentials, DigestClient, Secret
from offhook.sip.message import Request, Response
from support import far_end
from support.sip_peer import UdpPeer


async def echo_call(box: Box) -> tuple[float, float]:
    """Call the echo test from this machine; how loud a tone came back beside how loud another frequency is."""
    peer = await UdpPeer(("127.0.0.1", box.sip)).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as audio:
        audio.bind(("127.0.0.1", 0))
        audio.setblocking(False)
        offer = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {audio.getsockname()[1]} RTP/AVP 0\r\n"
        )
        contact = ("Contact", f"<{peer.uri('100')}>")
        invite = peer.request("INVITE", "100", contact, ("Content-Type", "application/sdp"), target="sip:*43@127.0.0.1")
        invite.body = offer.encode()
        invite.set("Content-Length", str(len(invite.body)))

        async def final(request: Request) -> Response:
            peer.send(request)
            while True:
                answer = await peer.final(ANSWER_S)
                if answer.cseq.number == request.cseq.number:
                    acknowledged = peer.request("ACK", "100", target=request.target, call_id=request.call_id)
                    for name in ("From", "Via") if answer.status >= 300 else ("From",):
                        acknowledged.set(name, str(request.get(name)))
                    acknowledged.set("To", str(answer.get("To")))
                    acknowledged.set("CSeq", f"{request.cseq.number} ACK")
                    peer.send(acknowledged)
                    return answer

        refused = await final(invite)
        assert refused.status == 401, refused.to_bytes().decode()
        client = DigestClient([Credentials(Secret("100", "a phone's secret"), "")])
        assert client.receive(invite, refused)
        again = invite.copy()
        again.set("Via", str(invite.get("Via")).replace("branch=z9hG4bK-", "branch=z9hG4bK-2-"))
        again.set("CSeq", f"{invite.cseq.number + 1} INVITE")
        client.authorize(again)
        answer = await final(again)
        assert answer.status == 200, answer.to_bytes().decode()
        port = int(re.search(rb"m=audio (\d+)", answer.body)[1])  # type: ignore[index]
        box.machine.forward("udp", port)
        # The greeting first, then the echo: speak for long, and listen to the end.
        heard: list[int] = []
        tone = far_end.sine(1000, 20)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(50 * 45):
            packet = far_end.Rtp(False, 0, number & 0xFFFF, number * 160, 7, far_end.to_ulaw(tone))
            audio.sendto(packet.pack(), ("127.0.0.1", port))
            await asyncio.sleep(max(0.0, began + number * 0.02 - loop.time()))
            with contextlib.suppress(BlockingIOError):
                while True:
                    heard += [far_end.from_ulaw(code) for code in far_end.Rtp.parse(audio.recv(2000)).payload]
            if len(heard) > 8000 and far_end.amplitude(heard[-4000:], 1000) > 2000:
                break
        ended = peer.request("BYE", "100", target="sip:*43@127.0.0.1", call_id=again.call_id)
        for name in ("From", "To"):
            ended.set(name, str((again if name == "From" else answer).get(name)))
        ended.set("CSeq", f"{again.cseq.number + 1} BYE")
        peer.send(ended)
        while (over := await peer.final(ANSWER_S)).cseq.number != ended.cseq.number:
            pass
        assert over.status == 200, over.to_bytes().decode()
        peer.close()
        last = heard[-4000:]
        return far_end.amplitude(last, 1000), far_end.amplitude(last, 1530)
