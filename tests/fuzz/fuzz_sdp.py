"""Fuzz the SDP parser: any bytes are understood or refused with SIPError, and what is written is read the same.

    python tests/fuzz/fuzz_sdp.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook"]):
    from offhook.sip.errors import SIPError
    from offhook.sip.sdp import parse_sdp
    from offhook.sip.sdp_attributes import parse_fmtp

SEED = b"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
i=info
c=IN IP6 2001:db8::1
b=AS:10
t=0 0
a=group:BUNDLE 0 1
a=fingerprint:sha-256 12:AB
a=setup:actpass
m=audio 9/2 UDP/TLS/RTP/SAVPF 109 9 0 8 101
i=title
c=IN IP4 0.0.0.0
a=candidate:1 2 UDP 1685987327 198.51.100.1 40001 typ srflx raddr 192.0.2.1 rport 40001
a=sendrecv
a=mid:0
a=msid:s t
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:secret
a=rtpmap:109 opus/48000/2
a=fmtp:109 maxplaybackrate=48000;stereo=1
a=ptime:20
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4
m=image 4400 udptl t38
a=T38FaxVersion:3
a=T38FaxFillBitRemoval:0
a=T38FaxMaxDatagram:400
"""


def one(data: bytes) -> None:
    try:
        session = parse_sdp(data)
    except SIPError:
        return
    _ = session.groups, session.bundles
    for media in session.media:
        _ = media.payloads, media.rtpmaps, media.ptime, media.maxptime, media.rtcp, media.mid, media.msid
        _ = media.crypto, media.candidates, media.t38, media.secure
        _ = session.direction_of(media), session.fingerprint_of(media), session.setup_of(media), session.ice_of(media)
        for parameters in media.fmtps.values():
            parse_fmtp(parameters)
    text = session.to_bytes()
    assert parse_sdp(text).to_bytes() == text


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("-"):
            Path(argument).mkdir(parents=True, exist_ok=True)
            (Path(argument) / "seed").write_bytes(SEED.replace(b"\n", b"\r\n"))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
