"""The manager actions IAX..., in Asterisk's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.drivers.iax.module import REGISTRATIONS, module
from offhook.drivers.iax.showing import NOWHERE, encryption_words, net_lines, peer_title, place_of, registry_rows
from offhook.drivers.iax.stack import PART, IaxStack
from offhook.modules import ActionRequest, Syntax

if TYPE_CHECKING:
    from offhook.drivers.iax.peers import Peer

_PRIVILEGE = ("system", "reporting")


def _peers(request: ActionRequest) -> list[Peer]:
    stack: IaxStack = request.pbx.parts[PART]
    return list(stack.peers.values())


def _manners(peer: Peer) -> list[tuple[str, str]]:
    entry = peer.entry
    return [
        ("Dynamic", "yes" if entry.dynamic else "no"),
        ("Trunk", "yes" if entry["trunk"] else "no"),
        ("Encryption", encryption_words(entry.encryption)),
        ("Status", peer.status()),
    ]


@module.action("IAXpeers", _PRIVILEGE, Syntax())
def peers(request: ActionRequest) -> None:
    """List IAX peers."""
    found = _peers(request)
    request.listed("Peer status list will follow")
    for peer in found:
        host, port = place_of(peer)
        headers = [("Channeltype", "IAX2"), ("ObjectName", peer_title(peer)), ("ChanObjectType", "peer")]
        headers += [("IPaddress", host), ("IPport", port), *_manners(peer)]
        request.event("PeerEntry", [*headers, ("Description", peer.entry["description"])])
    request.complete("PeerlistComplete", len(found))


@module.action("IAXpeerlist", _PRIVILEGE, Syntax())
def peer_list(request: ActionRequest) -> None:
    """List IAX Peers.

    List all the IAX peers.
    """
    found = _peers(request)
    request.listed("IAX Peer status list will follow")
    for peer in found:
        host, port = place_of(peer)
        headers = [("Channeltype", "IAX"), ("ObjectName", peer.name)]
        if peer.entry["username"]:
            headers.append(("ObjectUsername", peer.entry["username"]))
        headers += [("ChanObjectType", "peer"), ("IPaddress", host), ("Mask", NOWHERE), ("Port", port)]
        request.event("PeerEntry", [*headers, *_manners(peer)])
    request.complete("PeerlistComplete", len(found))


@module.action("IAXnetstats", _PRIVILEGE, Syntax())
def net_stats(request: ActionRequest) -> None:
    """Show IAX channels network statistics."""
    stack: IaxStack = request.pbx.parts[PART]
    request.response = [("", line) for line in net_lines(stack, wide=False)]


@module.action("IAXregistry", _PRIVILEGE, Syntax())
def registry(request: ActionRequest) -> None:
    """Show IAX registrations."""
    rows = list(registry_rows(request.pbx.parts[REGISTRATIONS]))
    request.listed("Registrations will follow")
    for host, username, perceived, refresh, state in rows:
        headers = [("Host", host), ("DNSmanager", "N"), ("Username", username), ("Perceived", perceived)]
        request.event("RegistryEntry", [*headers, ("Refresh", str(refresh)), ("State", state)])
    request.complete("RegistrationsComplete", len(rows))
