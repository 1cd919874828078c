"""Extensions of peers that are registered (regcontext, regexten): a hint to the dialplan who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.dialplan.context import Priority

if TYPE_CHECKING:
    from offhook.drivers.iax.peers import Peer
    from offhook.drivers.iax.stack import IaxStack

_REGISTRAR = "IAX2"


def _places(peer: Peer, usual: str) -> list[tuple[str, str]]:
    """(context, extension) of each of a peer's: "one&two@context", else its name."""
    found = []
    for text in (peer.entry["regexten"] or peer.name).split("&"):
        exten, _, context = text.partition("@")
        found.append((context or usual, exten))
    return found


def show(stack: IaxStack, peer: Peer, *, there: bool) -> None:
    """A peer registered, or is gone."""
    usual = stack.reading.general["regcontext"]
    if not usual:
        return
    plan = stack.pbx.dialplan
    for context, exten in _places(peer, usual):
        if there and not plan.exists(context, exten):
            plan.create(context, _REGISTRAR)
            plan.add(context, Priority(exten, 1, "Noop", peer.name, registrar=_REGISTRAR))
        elif not there and plan.exists(context, exten):
            plan.remove(context, exten, 1)
