"""A STUN and TURN server without sockets: long-term credentials, one allocation a client, permissions, channels."""

from __future__ import annotations

import hashlib

from offhook.ice.stun import Address, Attribute, Class, Message, Method, respond

USER, PASSWORD, REALM = "me", "secret", "here"
KEY = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode(), usedforsecurity=False).digest()


class TurnServer:
    """``address`` is where it is asked. What ``receive`` and ``arrive`` return is to be sent: (from, to, packet)."""

    def __init__(self, address: Address, relay_host: str) -> None:
        self.address, self.relay_host = address, relay_host
        self.nonce = "n1"
        self.relays: dict[Address, Address] = {}
        self.permitted: dict[Address, set[str]] = {}
        self.channels: dict[Address, dict[int, Address]] = {}
        self.seen: list[tuple[int, int]] = []

    def receive(self, data: bytes, client: Address) -> list[tuple[Address, Address, bytes]]:
        """A packet of a client's."""
        if 0x40 <= data[0] < 0x50:
            peer = self.channels[client][int.from_bytes(data[:2], "big")]
            return [(self.relays[client], peer, data[4:])]
        message = Message.parse(data)
        self.seen.append((message.method, message.kind))
        if message.kind is Class.INDICATION:
            peer = message.address(Attribute.XOR_PEER_ADDRESS)
            if message.method != Method.SEND or peer is None or peer[0] not in self.permitted.get(client, ()):
                return []
            return [(self.relays[client], peer, message.attributes[Attribute.DATA])]
        response = respond(message)
        if message.method == Method.BINDING:
            response.set_address(Attribute.XOR_MAPPED_ADDRESS, client)
            return [(self.address, client, response.encode())]
        if message.text(Attribute.NONCE) != self.nonce or not message.is_signed_by(KEY):
            response.kind = Class.ERROR
            response.set_error(438 if Attribute.NONCE in message.attributes else 401, "Again")
            response.attributes[Attribute.REALM] = REALM.encode()
            response.attributes[Attribute.NONCE] = self.nonce.encode()
            return [(self.address, client, response.encode())]
        self._do(message, response, client)
        return [(self.address, client, response.encode(KEY))]

    def _do(self, message: Message, response: Message, client: Address) -> None:
        peer = message.address(Attribute.XOR_PEER_ADDRESS)
        if message.method == Method.ALLOCATE:
            relay = self.relays.setdefault(client, (self.relay_host, 50000 + len(self.relays)))
            response.set_address(Attribute.XOR_RELAYED_ADDRESS, relay)
            response.set_address(Attribute.XOR_MAPPED_ADDRESS, client)
            response.attributes[Attribute.LIFETIME] = (600).to_bytes(4, "big")
        elif message.method == Method.REFRESH:
            if message.number(Attribute.LIFETIME) == 0:
                self.relays.pop(client, None)
            response.attributes[Attribute.LIFETIME] = message.attributes[Attribute.LIFETIME]
        elif peer is not None:
            self.permitted.setdefault(client, set()).add(peer[0])
            if message.method == Method.CHANNEL_BIND:
                number = int.from_bytes(message.attributes[Attribute.CHANNEL_NUMBER][:2], "big")
                self.channels.setdefault(client, {})[number] = peer

    def arrive(self, data: bytes, source: Address, relay: Address) -> list[tuple[Address, Address, bytes]]:
        """A packet of a peer's at a relayed address."""
        for client, address in self.relays.items():
            if address != relay or source[0] not in self.permitted.get(client, ()):
                continue
            for number, peer in self.channels.get(client, {}).items():
                if peer == source:
                    framed = number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
                    return [(self.address, client, framed)]
            message = Message(Method.DATA, Class.INDICATION)
            message.set_address(Attribute.XOR_PEER_ADDRESS, source)
            message.attributes[Attribute.DATA] = data
            return [(self.address, client, message.encode())]
        return []
