"""How a stream is protected: what an endpoint's media_encryption asks for, what the profile of an m= line says, and the
a=crypto lines (RFC 4568) and DTLS attributes (RFC 8122, 5763) that follow from both. Pure, as negotiation is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offhook.drivers.sip.media.refused import Refused
from offhook.sip.sdes import Agreement, choose
from offhook.sip.sdp import Media, Session

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.media.negotiation import MediaStream, Terms

HASHES = ("sha-1", "sha-256")
_OPPOSITE = {"active": "passive", "passive": "active", "holdconn": "holdconn"}


@dataclass(frozen=True, slots=True)
class DtlsTerms:
    """What was said about DTLS: our part in the set-up, the peer's fingerprint (hash name, hex), and whether it asked
    for a new association."""

    setup: str
    fingerprint: tuple[str, str] | None = None
    new: bool = False


def encryption_of(stream: MediaStream, endpoint: Endpoint) -> str:
    """ "no", "sdes" or "dtls": what was agreed for the stream, before that what the endpoint wants."""
    return stream.encryption or endpoint.media_encryption


def offered_encryption(media: Media) -> tuple[str, bool]:
    """What an m= line offers, and whether it does so optimistically: keys under a plain profile."""
    if media.protocol.upper().startswith("UDP/TLS/"):
        return "dtls", False
    if media.secure:
        return "sdes", False
    return ("sdes", True) if "crypto" in media else ("no", False)


def check_profile(media: Media, endpoint: Endpoint) -> str:
    """What an m= line offers as far as the endpoint's profile and encryption allow it; Refused where they do not.

    "" where media_use_received_transport leaves it to the peer.
    """
    if endpoint.media_use_received_transport:
        if media.secure and endpoint.media_encryption == "no":
            raise Refused(f"{media.protocol} asks for encryption, the endpoint has none")
        return ""
    if media.protocol.endswith("F") != endpoint.use_avpf:
        raise Refused(f"{media.protocol} does not fit use_avpf={'yes' if endpoint.use_avpf else 'no'}")
    offered, optimistic = offered_encryption(media)
    wanted = endpoint.media_encryption
    if offered == wanted or endpoint.force_avp or endpoint.media_encryption_optimistic:
        if media.secure and wanted == "no":
            raise Refused(f"{media.protocol} asks for encryption, the endpoint has none")
        return offered
    if optimistic:
        return "no"
    if wanted == "no":
        raise Refused(f"{media.protocol} asks for encryption, the endpoint has none")
    raise Refused(f"{media.protocol} does not fit media_encryption={wanted}")


def take_offer(stream: MediaStream, session: Session, media: Media, terms: Terms, offered: str) -> None:
    """Note how an offered stream is protected; Refused where the endpoint insists on what is not offered."""
    endpoint = terms.endpoint
    agreed = _take(stream, session, media, terms)
    if not agreed:
        if not endpoint.media_encryption_optimistic or media.protocol.upper().startswith("RTP/SAVP"):
            raise Refused(f"no key in the offer fits media_encryption={endpoint.media_encryption}")
        stream.encryption = "no"
    received = endpoint.media_use_received_transport or (offered == "sdes" and agreed)
    stream.protocol = media.protocol if received else ""


def take_answer(stream: MediaStream, session: Session, media: Media, terms: Terms) -> None:
    """Note how an answered stream is protected; Refused where the endpoint insists on what the answer lacks."""
    endpoint = terms.endpoint
    if not _take(stream, session, media, terms):
        if not endpoint.media_encryption_optimistic:
            raise Refused(f"no key in the answer fits media_encryption={endpoint.media_encryption}")
        stream.encryption = "no"


def _take(stream: MediaStream, session: Session, media: Media, terms: Terms) -> bool:
    endpoint = terms.endpoint
    stream.encryption = wanted = encryption_of(stream, endpoint)
    if wanted != "no" and not terms.srtp_allowed:
        return False
    if wanted == "sdes":
        agreement = choose(media.crypto, stream.sdes)
        if agreement is None:
            return False
        stream.sdes = agreement
    elif wanted == "dtls":
        if not media.secure and session.fingerprint_of(media) is None:
            return False
        stream.dtls = _take_dtls(stream, session, media, endpoint)
    return True


def _take_dtls(stream: MediaStream, session: Session, media: Media, endpoint: Endpoint) -> DtlsTerms:
    terms = stream.dtls or DtlsTerms(endpoint.dtls_setup or "active")
    theirs = session.setup_of(media)
    setup = _OPPOSITE.get(theirs, terms.setup)
    if theirs == "actpass" and setup == "actpass":
        setup = "active"  # RFC 5763 5: who answers actpass begins
    fingerprint = session.fingerprint_of(media)
    if fingerprint is not None and fingerprint[0] not in HASHES:
        fingerprint = None
    connection = (media.get("connection") or session.get("connection") or "").strip().lower()
    return replace(terms, setup=setup, fingerprint=fingerprint or terms.fingerprint, new=connection == "new")


def profile(stream: MediaStream, endpoint: Endpoint) -> str:
    """The profile of our m= line: the one received where that counts, else by the endpoint's options."""
    if stream.protocol:
        return stream.protocol
    feedback = "F" if endpoint.use_avpf else ""
    encryption = encryption_of(stream, endpoint)
    if encryption == "dtls":
        return f"{'' if endpoint.force_avp else 'UDP/TLS/'}RTP/SAVP{feedback}"
    secure = "S" if encryption == "sdes" and not endpoint.media_encryption_optimistic else ""
    return f"RTP/{secure}AVP{feedback}"


def add_attributes(media: Media, stream: MediaStream, terms: Terms, *, answering: bool) -> None:
    """Our keys, or our part in a DTLS set-up, for the stream that carries an m= line."""
    endpoint = terms.endpoint
    encryption = encryption_of(stream, endpoint)
    if encryption != "no" and not terms.srtp_allowed:
        raise Refused(f"media_encryption={encryption} needs the module res_srtp, which is not loaded")
    if encryption == "sdes":
        if stream.sdes is None:
            stream.sdes = Agreement.offer(short_tag=endpoint.srtp_tag_32)
        media.add("crypto", stream.sdes.crypto)
        if endpoint.security_negotiation == "mediasec":
            media.add("3ge2ae", "requested")
    elif encryption == "dtls":
        setup = endpoint.dtls_setup or "active"
        if answering and stream.dtls is not None:
            setup = stream.dtls.setup
        if stream.dtls is None:
            stream.dtls = DtlsTerms(setup)
        link = stream.link
        media.add("connection", "existing" if link.established else "new")
        media.add("setup", setup)
        name = endpoint.dtls_fingerprint.upper()
        media.add("fingerprint", f"{name} {link.fingerprint(name.lower())}")
