"""CLI commands that look inside the stack: what it holds now, and what TLS offers."""

from __future__ import annotations

from collections import Counter

from offhook.drivers.sip.resource import module
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import Request


@module.command("pjsip dump endpt [details]", "Dump the res_pjsip endpt internals")
def dump(request: Request) -> None:
    """Show what the SIP stack holds: sockets, connections, transactions, dialogs and contacts.

    With details every transaction and connection has its line.
    """
    details = request.args == ["details"]
    if request.args and not details:
        raise request.usage()
    stack: SipStack = request.pbx.parts[PART]
    transports, transactions = stack.transports, stack.layer.transactions
    kinds = Counter(type(each).__name__ for each in transactions)
    request.print(
        f"Datagram sockets:    {len(transports.datagram)}",
        f"Listeners:           {len(transports.listeners)}",
        f"Connections:         {len(transports.connections)}",
        f"Transactions:        {len(transactions)}",
        *(f"  {name}: {count}" for name, count in sorted(kinds.items())),
        f"Dialogs:             {len(stack.dialogs)}",
        f"Contacts:            {sum(1 for _ in stack.locations.contacts())}",
        f"Handlers:            {', '.join(sorted(stack.handlers))}",
    )
    if details:
        now = stack.now()
        request.print(*(f"{each.flow} open for {now - each.opened_at:.0f} s" for each in transports.connections))
        request.print(*(f"{type(each).__name__} {each.method} {each.state} on {each.flow}" for each in transactions))


@module.command("pjsip list ciphers", "List available OpenSSL cipher names")
def list_ciphers(request: Request) -> None:
    """List the ciphers that a transport's cipher option may name."""
    import ssl

    if request.args:
        raise request.usage()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL")
    names = [str(cipher["name"]) for cipher in context.get_ciphers()]
    request.print(f"Available ciphers: '{', '.join(names)}'" if names else "No available ciphers")
