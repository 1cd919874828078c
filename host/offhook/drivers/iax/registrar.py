"""Registrations of peers with us: who may, what he proves, and where he is then."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.drivers.iax.peers import Peer
from offhook.drivers.iax.secrets import expectation_of
from offhook.drivers.iax.stack import REGISTRY, IaxStack
from offhook.iax.elements import Elements
from offhook.iax.frames import FullFrame
from offhook.iax.proof import MD5, Expectation
from offhook.iax.registration import Registering
from offhook.log import NOTICE, verbose

if TYPE_CHECKING:
    from offhook.iax.association import Association

log = logging.getLogger(__name__)
_MOST_COUNT = 255


def take_registration(stack: IaxStack, association: Association, frame: FullFrame, elements: Elements) -> None:
    """A REGREQ or REGREL came."""
    registering = Registering(association, PeerRegistrar(stack))
    registering.reject_delay = 1.0 if stack.reading.general["delayreject"] else 0.0


class PeerRegistrar:
    """Takes the registration of one peer."""

    def __init__(self, stack: IaxStack) -> None:
        self.stack = stack
        self._found: Peer | None = None
        """Of a database."""

    def _known(self, registering: Registering) -> Peer | None:
        """The peer, if it may register from where it is."""
        stack, name = self.stack, registering.username
        host = registering.association.address[0]
        peer = stack.peers.get(name) or self._found
        why = ""
        if peer is None:
            why = f"No registration for peer '{name}' (from {host})"
        elif not peer.entry.dynamic:
            why = f"Peer '{name}' is not dynamic (from {host})"
        elif not peer.entry.acl.allows(host, "IAX2 Peer ACL: "):
            why = f"Host {host} denied access to register peer '{name}'"
        if why and stack.reading.general["authdebug"]:
            log.log(NOTICE, "%s", why)
        return None if why else peer

    def expects(
        self, registering: Registering, now: float, proceed: Callable[[Expectation | None, float], None]
    ) -> None:
        """See Registrar."""
        stack, name = self.stack, registering.username
        if name in stack.peers or self._found is not None or not stack.friends.has_peers:
            proceed(self._expectation(registering), now)
            return

        async def ask() -> None:
            self._found = await stack.friends.peer(name)
            proceed(self._expectation(registering), stack.now())
            stack.rearm()

        stack.pbx.spawn(ask(), f"registration of {name}")

    def _expectation(self, registering: Registering) -> Expectation | None:
        peer = self._known(registering)
        if peer is None:
            return Expectation(self.stack.last_methods or MD5, "")  # nothing that anybody could answer
        expectation = expectation_of(self.stack.pbx, peer.entry)
        if not expectation.secrets and not expectation.keys and not peer.entry["inkeys"]:
            return None
        self.stack.last_methods = expectation.methods
        return expectation

    def register(self, registering: Registering, *, proven: bool, refresh: int) -> Elements | None:
        """See Registrar."""
        stack, association = self.stack, registering.association
        peer = self._known(registering)
        if peer is None:
            return None
        word = "AUTHENTICATED" if proven else "UNAUTHENTICATED"
        elements = Elements(username=peer.name)
        if not refresh:
            verbose(3, "Unregistered IAX2 '%s' (%s)", peer.name, word)
            peer.unregistered()
            stack.forget_registration(peer)
            stack.friends.wrote(peer, None)
            stack.rearm()
            return elements
        general = stack.reading.general
        expiry = max(general["minregexpire"], min(refresh, general["maxregexpire"]))
        if expiry != refresh:
            log.log(
                NOTICE,
                "Restricting registration for peer '%s' to %d seconds (requested %d)",
                peer.name,
                expiry,
                refresh,
            )
        address = association.address
        if address != peer.address:
            verbose(3, "Registered IAX2 '%s' (%s) at %s:%d", peer.name, word, *address)
        if peer.entry.realtime:
            stack.friends.wrote(peer, address)
        else:
            stack.pbx.astdb.put(REGISTRY, peer.name, f"{_shown(address[0])}:{address[1]}:{expiry}")
        peer.registered(address, expiry, association.local)
        elements.add("refresh", expiry).add("apparent_addr", address)
        if peer.entry["mailbox"]:
            count = stack.pbx.mailboxes.count(peer.entry["mailbox"])
            elements.add("msgcount", min(_MOST_COUNT, count.old) << 8 | min(_MOST_COUNT, count.new))
        if peer.entry.caller_id is not None:
            name, number = peer.entry.caller_id
            elements.add("calling_number", number).add("calling_name", name)
        return elements


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
