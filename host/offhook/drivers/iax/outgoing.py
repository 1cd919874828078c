"""Calls that go out: ``IAX2/[user[:secret][:[key]]@]peer[:port][/exten[@context][/options]]``."""

from __future__ import annotations

import ipaddress
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.party import Caller, Number, Party
from offhook.calls.requesting import RequestError
from offhook.drivers.iax.channel import IaxChannel
from offhook.drivers.iax.peers import USUAL_PORT
from offhook.drivers.iax.resolving import resolve
from offhook.drivers.iax.secrets import credentials, secret_of
from offhook.drivers.iax.session import Session
from offhook.drivers.iax.variables import variables_of
from offhook.iax import formats as iax_formats
from offhook.iax.call import PROTOCOL
from offhook.iax.elements import Address, Elements
from offhook.log import verbose
from offhook.media.errors import EngineError
from offhook.media.formats import Formats

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.iax.peers import Peer
    from offhook.drivers.iax.stack import IaxStack
    from offhook.iax.association import Association

log = logging.getLogger(__name__)
_NOT_AVAILABLE = 0x43
_AUTOKILL_MS = 2000
_NOWHERE: Address = ("0.0.0.0", 0)


@dataclass(slots=True)
class DialString:
    """A dial string, taken apart."""

    peer: str = ""
    port: int | None = None
    username: str = ""
    secret: str = ""
    key: str = ""
    exten: str = ""
    context: str = ""
    options: str = ""


def parse(text: str) -> DialString:
    """Take a dial string apart; what stands in brackets in the place of the secret is a key."""
    found = DialString()
    place, _, rest = text.partition("/")
    target, _, found.options = rest.partition("/")
    found.exten, _, found.context = target.partition("@")
    who, at, where = place.rpartition("@")
    if at:
        found.username, *proofs = who.split(":", 2)
        for proof in proofs:
            if proof.startswith("["):
                found.key = proof.strip("[]")
            elif not found.secret:
                found.secret = proof
    if where.startswith("["):
        host, _, port = where[1:].partition("]")
        found.peer, port = host, port.removeprefix(":")
    else:
        found.peer, _, port = where.partition(":") if where.count(":") < 2 else (where, "", "")
    found.port = int(port) if port.isdigit() and int(port) < 1 << 16 else None
    return found


def _numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def request(
    stack: IaxStack, text: str, formats: tuple[str, ...], requester: Channel | None, ids: tuple[str, str]
) -> IaxChannel:
    """Make a channel for a dial string. Raises RequestError."""
    dialled = parse(text)
    if not dialled.peer:
        raise RequestError(causes.NO_ROUTE_DESTINATION, f"no peer in the IAX2 dial string '{text}'")
    peer = stack.peers.get(dialled.peer)
    address = _NOWHERE
    if peer is not None:
        if not peer.reachable or peer.where is None:
            raise RequestError(causes.SUBSCRIBER_ABSENT, f"IAX2 peer {dialled.peer} is not there")
        address = peer.where
    elif _numeric(dialled.peer):
        address = (dialled.peer, USUAL_PORT)
    if dialled.port is not None:
        address = (address[0], dialled.port)
    local = peer.local if peer is not None else 0
    association = stack.exchange.begin(address, local, stack.now())
    if association is None:
        raise RequestError(causes.NORMAL_CIRCUIT_CONGESTION, "every IAX2 call number is in use")
    try:
        session = OutgoingSession(stack, association, dialled, peer)
    except EngineError as error:
        association.end(stack.now())
        raise RequestError(causes.NORMAL_CIRCUIT_CONGESTION, str(error)) from None
    return session.make_channel(formats, requester, ids)


class OutgoingSession(Session):
    """A call that goes out."""

    def __init__(self, stack: IaxStack, association: Association, dialled: DialString, peer: Peer | None) -> None:
        super().__init__(stack, association)
        self.dialled = dialled
        self.peer = peer
        self.host = dialled.peer if peer is not None else "{}:{}".format(*association.address)
        if peer is None and association.address[0] == _NOWHERE[0]:
            self.host = f"{dialled.peer}:{dialled.port or USUAL_PORT}"
        self.offered = Formats()
        self._take_terms()

    def _take_terms(self) -> None:
        """What the peer, or [general], says of calls."""
        entry = self.peer.entry if self.peer is not None else None
        general = self.stack.reading.general
        terms = entry.values if entry is not None else general
        self.call.encryption = entry.encryption if entry is not None else general["encryption"]
        self.call.force_encryption = bool(terms["forceencryption"])
        self.call.transfer.allowed = terms["transfer"] != "no"
        self.trunk = bool(entry is not None and entry["trunk"])
        self.music_interpreted, self.music_suggested = terms["mohinterpret"], terms["mohsuggest"]
        self.sends_connected = terms["connectedline"] in ("yes", "send")
        self.takes_connected = terms["connectedline"] in ("yes", "receive")
        self._jitterbuffer = terms["jitterbuffer"]

    def make_channel(self, formats: tuple[str, ...], requester: Channel | None, ids: tuple[str, str]) -> IaxChannel:
        """The channel, in the formats that both sides may have. Raises RequestError."""
        entry = self.peer.entry if self.peer is not None else None
        ours = entry.formats if entry is not None else self.stack.reading.formats
        wanted = [each for each in ours if each.name in formats]
        self.offered = Formats([*wanted, *(each for each in ours if each not in wanted)])
        first = (wanted[0].name,) if wanted else tuple(each.name for each in list(ours)[:1])
        if not first:
            self._abandon()
            raise RequestError(causes.BEARERCAPABILITY_NOTAVAIL, f"{self.dialled.peer} has no format in iax.conf")
        caller = Caller()
        if entry is not None and entry.caller_id is not None:
            name, number = entry.caller_id
            caller.id = Party.of(number or None, name or None)
            caller.ani = Party(number=Number(bool(number), number))
        channel = IaxChannel(
            self,
            State.DOWN,
            formats=first,
            context=entry.context if entry is not None else "default",
            caller=caller,
            requester=requester,
            uniqueid=ids[0],
        )
        self.channel = channel
        return channel

    def _abandon(self) -> None:
        self.forget()
        self.association.role = None
        self.association.end(self.stack.now())

    # ---- NEW ----------------------------------------------------------------------------------------------------

    def place_call(self) -> None:
        """Send NEW, once it is known where to. Raises RequestError."""
        self._prove_by()
        self.channel.set_state(State.RINGING)
        if self.association.address[0] == _NOWHERE[0]:
            self.stack.pbx.spawn(self._find_then_call(), f"address of {self.dialled.peer}")
        else:
            self._send_new()

    def _prove_by(self) -> None:
        """What we prove ourselves by. Raises RequestError when the call has to be encrypted and cannot."""
        call, dialled = self.call, self.dialled
        entry = self.peer.entry if self.peer is not None else None
        username = dialled.username or (entry["username"] if entry is not None else "")
        secret = dialled.secret or (secret_of(self.stack.pbx, entry) if entry is not None else "")
        key = dialled.key or (entry["outkey"] if entry is not None else "")
        if call.force_encryption and not (call.encryption and secret):
            raise RequestError(causes.BEARERCAPABILITY_NOTAVAIL, "Encryption forced for call, but not enabled")
        call.credentials = credentials(self.stack.pbx, username, secret, key)
        self.username = username

    async def _find_then_call(self) -> None:
        stack, dialled = self.stack, self.dialled
        services = stack.reading.general["srvlookup"]
        peer = await stack.friends.peer(dialled.peer) if stack.friends.has_peers else None
        if peer is not None:
            self.peer = peer
            self._take_terms()
            address = (peer.where[0], dialled.port or peer.where[1]) if peer.where is not None else None
        else:
            address = await resolve(stack.pbx, dialled.peer, dialled.port, services=services)
        if self.channel.hungup or self.association.dead:
            return
        if address is None:
            log.warning("No such host: %s", self.dialled.peer)
            self.channel.far_end_hangup(causes.SUBSCRIBER_ABSENT)
            return
        self.stack.exchange.move(self.association, address, 0)
        if peer is not None:
            try:
                self._prove_by()
            except RequestError as error:
                log.warning("%s: %s", self.channel.name, error)
                self.channel.far_end_hangup(error.cause)
                return
        self._send_new()

    def _send_new(self) -> None:
        stack, now = self.stack, self.stack.now()
        patience = self._patience()
        self.call.call(self._elements(), now, patience=patience)
        stack.rearm()

    def _patience(self) -> float:
        if self.peer is not None and self.peer.entry["qualify"]:
            most = self.peer.entry["qualify"]
            self.association.round_trip = most / 2000
            return float(most * 2) / 1000
        word = str(self.stack.reading.general["autokill"]).lower()
        if word.isdigit() and int(word) > 1:
            return int(word) * 2 / 1000
        return _AUTOKILL_MS * 2 / 1000 if word in ("yes", "true", "on", "1", "y", "t") else 0.0

    def _elements(self) -> Elements:
        channel, dialled, entry = self.channel, self.dialled, self.peer.entry if self.peer is not None else None
        connected = channel.connected
        number, name = connected.id.labels()
        found = Elements(version=PROTOCOL, called_number=dialled.exten or None)
        if "a" in dialled.options:
            found.add("autoanswer", True)
        names = [each.name for each in self.offered]
        found.add("codec_prefs", iax_formats.write_preferences(names))
        shown = connected.id.number.valid or connected.id.name.valid
        if connected.id.number.valid:
            found.add("calling_number", number)
        found.add("callingpres", connected.id.presentation() if shown else _NOT_AVAILABLE)
        found.add("callington", connected.id.number.plan & 0xFF)
        found.add("callingtns", channel.dialed.transit_network & 0xFFFF)
        found.add("calling_ani2", connected.ani2)
        if connected.id.name.valid:
            found.add("calling_name", name)
        if entry is not None and entry["sendani"] and connected.ani.number.valid:
            found.add("calling_ani", connected.ani.number.text)
        found.add("language", channel.language or None)
        found.add("dnid", channel.dialed.number or None)
        from_ = channel.redirecting.from_.number
        found.add("rdnis", from_.text if from_.valid and from_.text else None)
        found.add("called_context", dialled.context or (entry["peercontext"] if entry is not None else "") or None)
        found.add("username", self.username or None)
        mask, wanted = iax_formats.bits(names), iax_formats.BITS[channel.formats[0]]
        found.add("format", wanted & 0xFFFFFFFF).add("format2", wanted)
        found.add("capability", mask & 0xFFFFFFFF).add("capability2", mask)
        found.add("adsicpe", channel.adsicpe & 0xFFFF)
        found.add("datetime", _datetime())
        for key, value in variables_of(channel).items():
            room = 254 - len(key.encode())
            for at in range(0, len(value), room) if value else (0,):
                found.add("variable", f"{key}={value[at : at + room]}")
        return found

    # ---- Listener -----------------------------------------------------------------------------------------------

    def accepted(self, bit: int, now: float) -> None:
        """See Listener."""
        mask = iax_formats.bits(each.name for each in self.offered)
        if not bit:
            bit = iax_formats.BITS[self.channel.formats[0]]
        verbose(3, "Call accepted by %s:%d (format %s)", *self.association.address, iax_formats.name(bit))
        if not bit & mask or not iax_formats.name(bit):
            self.call.reject(causes.BEARERCAPABILITY_NOTAVAIL, "Unable to negotiate codec", now)
            self.channel.far_end_hangup(causes.BEARERCAPABILITY_NOTAVAIL)
            return
        self.speak(bit)
        if self._jitterbuffer:
            self.leg.set_playout("adaptive", self.stack.reading.general["jittertargetextra"])


def _datetime() -> int:
    """Now, packed (RFC 5456 8.6.28)."""
    now = time.localtime()
    date = (now.tm_year - 2000) << 25 | now.tm_mon << 21 | now.tm_mday << 16
    return (date | now.tm_hour << 11 | now.tm_min << 5 | now.tm_sec >> 1) & 0xFFFFFFFF
