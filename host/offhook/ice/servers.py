"""What a STUN server (RFC 8489) tells of our address, and what a TURN server (RFC 8656) relays for us: no sockets, no
clock.

``Query`` asks for one component's reflexive address. ``Relay`` holds an allocation: it lets peers in, wraps what goes
to them, and binds a channel for the one that media goes to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from .stun import Address, Attribute, Class, Message, Method, StunError

FIRST_WAIT, WAITS = 0.25, 5
"""Seconds until a request is said again, doubling, and how often it is said: given up after less than eight seconds."""
LIFETIME = 600
PERMISSION = 240.0
"""Seconds after which permissions are renewed; they last 300 (RFC 8656 9)."""
_UDP = bytes((17, 0, 0, 0))
CHANNEL = 0x4000

Reply = Callable[[Message, float], None]


@dataclass(slots=True)
class _Request:
    data: bytes
    transaction: bytes
    due: float
    wait: float
    said: int
    reply: Reply
    failed: Callable[[], None]


class Requests:
    """Requests to one server, said again until they are answered, unless the way there is ``reliable``."""

    def __init__(self, server: Address, *, reliable: bool = False) -> None:
        self.server = server
        self.reliable = reliable
        self._open: dict[bytes, _Request] = {}
        self._out: list[bytes] = []

    def send(self, message: Message, now: float, reply: Reply, failed: Callable[[], None], key: bytes | None) -> None:
        """Ask; ``reply`` gets the response, ``failed`` is called when there is none."""
        data = message.encode(key)
        request = _Request(data, message.transaction, now + FIRST_WAIT, FIRST_WAIT, 1, reply, failed)
        self._open[message.transaction] = request
        self._out.append(data)

    def indicate(self, data: bytes) -> None:
        """Send what is not answered."""
        self._out.append(data)

    def answer(self, message: Message, now: float) -> bool:
        """Whether a response was to one of these requests."""
        request = self._open.pop(message.transaction, None)
        if request is None:
            return False
        request.reply(message, now)
        return True

    @property
    def next_timer(self) -> float | None:
        """When ``timer`` is due."""
        return min((request.due for request in self._open.values()), default=None)

    def timer(self, now: float) -> None:
        """Say again what was not answered."""
        for request in list(self._open.values()):
            if request.due > now:
                continue
            if request.said >= WAITS:
                del self._open[request.transaction]
                request.failed()
                continue
            request.said += 1
            request.wait *= 2
            request.due = now + request.wait
            if not self.reliable:
                self._out.append(request.data)

    def datagrams(self) -> list[bytes]:
        """What is to be sent to the server now."""
        out, self._out = self._out, []
        return out


class Query:
    """Our address as a STUN server sees it: ``mapped`` once ``done``, None when it did not answer."""

    def __init__(self, server: Address, now: float) -> None:
        self.requests = Requests(server)
        self.mapped: Address | None = None
        self.done = False
        self.requests.send(Message(Method.BINDING, Class.REQUEST), now, self._answered, self._failed, None)

    def _answered(self, message: Message, now: float) -> None:
        self.done = True
        if message.kind is Class.SUCCESS:
            self.mapped = message.address(Attribute.XOR_MAPPED_ADDRESS) or message.address(Attribute.MAPPED_ADDRESS)

    def _failed(self) -> None:
        self.done = True

    def receive(self, data: bytes, now: float) -> bool:
        """Whether a packet of the server's was the answer."""
        try:
            return self.requests.answer(Message.parse(data), now)
        except StunError:
            return False


class Relay:
    """An allocation at a TURN server, by long-term credentials (RFC 8489 9.2).

    ``done`` once it is there or refused; ``relayed`` is its address, ``channel`` the number that is bound to
    ``channel_peer``, 0 until it is. ``error`` says why there is none.
    """

    def __init__(self, server: Address, username: str, password: str, now: float, *, reliable: bool = False) -> None:
        self.requests = Requests(server, reliable=reliable)
        self.relayed: Address | None = None
        self.mapped: Address | None = None
        self.done = False
        self.error = ""
        self.channel = 0
        self.channel_peer: Address | None = None
        self._username, self._password = username, password
        self._realm = self._nonce = ""
        self._wanted: Address | None = None
        self._permitted: set[str] = set()
        self._refresh: float | None = None
        self._renew: float | None = None
        self._allocate(now)

    # ---- what is asked --------------------------------------------------------------------------------

    def _ask(self, message: Message, now: float, reply: Reply) -> None:
        key = None
        if self._realm:
            message.attributes[Attribute.USERNAME] = self._username.encode()
            message.attributes[Attribute.REALM] = self._realm.encode()
            message.attributes[Attribute.NONCE] = self._nonce.encode()
            secret = f"{self._username}:{self._realm}:{self._password}"
            key = hashlib.md5(secret.encode(), usedforsecurity=False).digest()
        fields = {
            kind: value
            for kind, value in message.attributes.items()
            if kind not in (Attribute.USERNAME, Attribute.REALM, Attribute.NONCE)
        }

        def answered(response: Message, then: float) -> None:
            code = response.error[0] if response.error is not None else 0
            nonce = response.text(Attribute.NONCE)
            again = (code == 401 and not self._realm) or (code == 438 and nonce != self._nonce)
            if response.kind is Class.ERROR and again and nonce:
                self._realm = response.text(Attribute.REALM) or self._realm
                self._nonce = nonce
                self._ask(Message(message.method, Class.REQUEST, attributes=dict(fields)), then, reply)
            else:
                reply(response, then)

        self.requests.send(message, now, answered, self._failed, key)

    def _failed(self) -> None:
        if not self.done:
            self._give_up("it does not answer")

    def _give_up(self, why: str) -> None:
        self.done = True
        self.error = why
        self.relayed = None
        self._refresh = self._renew = None

    def _allocate(self, now: float) -> None:
        message = Message(Method.ALLOCATE, Class.REQUEST)
        message.attributes[Attribute.REQUESTED_TRANSPORT] = _UDP
        self._ask(message, now, self._allocated)

    def _allocated(self, message: Message, now: float) -> None:
        if message.kind is Class.ERROR:
            code, reason = message.error or (0, "")
            self._give_up(f"{code} {reason}".strip())
            return
        self.relayed = message.address(Attribute.XOR_RELAYED_ADDRESS)
        self.mapped = message.address(Attribute.XOR_MAPPED_ADDRESS)
        self.done = True
        if self.relayed is None:
            self.error = "it gives no address"
            return
        self._refreshed(message, now)

    def _refreshed(self, message: Message, now: float) -> None:
        if message.kind is Class.ERROR:
            self._give_up(f"it was not renewed: {message.error}")
            return
        self._refresh = now + max(30, (message.number(Attribute.LIFETIME) or LIFETIME) - 60)

    def permit(self, hosts: set[str], now: float) -> None:
        """Let packets of these hosts through."""
        fresh = hosts - self._permitted
        self._permitted |= fresh
        for host in sorted(fresh):
            message = Message(Method.CREATE_PERMISSION, Class.REQUEST)
            message.set_address(Attribute.XOR_PEER_ADDRESS, (host, 0))
            self._ask(message, now, lambda _message, _now: None)
        if self._renew is None:
            self._renew = now + PERMISSION

    def bind(self, peer: Address, now: float) -> None:
        """Bind a channel to the peer that media goes to."""
        self._wanted = peer
        number = CHANNEL + 1 if self.channel_peer in (None, peer) else CHANNEL + 2
        message = Message(Method.CHANNEL_BIND, Class.REQUEST)
        message.attributes[Attribute.CHANNEL_NUMBER] = number.to_bytes(2, "big") + bytes(2)
        message.set_address(Attribute.XOR_PEER_ADDRESS, peer)

        def bound(response: Message, _now: float) -> None:
            if response.kind is Class.SUCCESS:
                self.channel, self.channel_peer = number, peer

        self._ask(message, now, bound)
        self._renew = now + PERMISSION

    def wrap(self, data: bytes, peer: Address) -> bytes:
        """A Send indication that carries a packet to a peer."""
        message = Message(Method.SEND, Class.INDICATION)
        message.set_address(Attribute.XOR_PEER_ADDRESS, peer)
        message.attributes[Attribute.DATA] = data
        return message.encode()

    def lost(self) -> None:
        """The connection to the server has ended."""
        self.done = True
        self.error = "its connection ended"
        self.channel = 0
        self.relayed = self.channel_peer = self._refresh = self._renew = None

    def release(self, now: float) -> None:
        """Give the allocation back."""
        if self.relayed is not None:
            message = Message(Method.REFRESH, Class.REQUEST)
            message.attributes[Attribute.LIFETIME] = bytes(4)
            self._ask(message, now, lambda _message, _now: None)
            self.relayed = None

    # ---- what comes in --------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> tuple[bytes, Address] | None:
        """A packet of the server's: (packet, peer) of a Data indication; everything else is dealt with here."""
        try:
            message = Message.parse(data)
        except StunError:
            return None
        if message.kind is Class.INDICATION:
            peer = message.address(Attribute.XOR_PEER_ADDRESS)
            inner = message.attributes.get(Attribute.DATA)
            if message.method == Method.DATA and peer is not None and inner:
                return inner, peer
            return None
        self.requests.answer(message, now)
        return None

    # ---- time -----------------------------------------------------------------------------------------

    @property
    def next_timer(self) -> float | None:
        """When ``timer`` is due."""
        times = [time for time in (self.requests.next_timer, self._refresh, self._renew) if time is not None]
        return min(times, default=None)

    def timer(self, now: float) -> None:
        """Say again, renew."""
        self.requests.timer(now)
        if self._refresh is not None and self._refresh <= now:
            self._refresh = None
            message = Message(Method.REFRESH, Class.REQUEST)
            message.attributes[Attribute.LIFETIME] = LIFETIME.to_bytes(4, "big")
            self._ask(message, now, self._refreshed)
        if self._renew is not None and self._renew <= now:
            hosts, self._permitted, self._renew = self._permitted, set(), None
            self.permit(hosts, now)
            if self._wanted is not None:
                self.bind(self._wanted, now)
