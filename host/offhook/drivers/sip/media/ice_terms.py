"""ICE in descriptions (RFC 8839): what the peer says, and our credentials and candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.ice.candidate import Candidate, IceOffer
from offhook.sip.sdp import Media, Session
from offhook.sip.sdp_attributes import Candidate as CandidateLine

if TYPE_CHECKING:
    from offhook.drivers.sip.media.negotiation import MediaStream, Terms


def read(session: Session, media: Media, terms: Terms) -> IceOffer | None:
    """What the peer says about ICE for a stream; None without candidates, or where the endpoint has no ICE."""
    if not terms.ice:
        return None
    credentials = session.ice_of(media)
    lines = media.candidates
    if credentials is None or not lines:
        return None
    ufrag, password = credentials
    found = tuple(
        Candidate(line.component, line.type, line.address, line.port, line.priority, line.foundation)
        for line in lines
        if line.transport == "udp"
    )
    return IceOffer(ufrag, password, found, "ice-lite" in session)


def components(terms: Terms, asked: Media | None) -> int:
    """How many ports a stream needs ways for: one where RTCP shares RTP's."""
    mux = terms.endpoint.rtcp_mux and (asked is None or "rtcp-mux" in asked)
    return 1 if mux else 2


def add_attributes(media: Media, carrier: MediaStream, terms: Terms, asked: Media | None, *, carries: bool) -> None:
    """Our side of ICE: in offers, and in answers to those that have it. Candidates stand in the section that carries
    a bundle."""
    link = carrier.link
    if not terms.ice or link is None or (asked is not None and carrier.ice is None):
        return
    link.use_ice(controlling=asked is None, components=components(terms, asked))
    media.add("ice-ufrag", link.agent.ufrag)
    media.add("ice-pwd", link.agent.password)
    if not carries:
        return
    for mine in link.candidates:
        if mine.component > link.agent.components:
            continue
        line = CandidateLine(
            mine.foundation, mine.component, "UDP", mine.priority, mine.host, mine.port, mine.kind, mine.related
        )
        media.add("candidate", line)
