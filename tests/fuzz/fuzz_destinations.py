"""Fuzz where messages go and whom they are from, as the network writes it (AMI's and ARI's orders, a MESSAGE's From):
it leads somewhere or nowhere, and the request that is sent can be read again and has the headers that we gave it.

    python tests/fuzz/fuzz_destinations.py [corpus directory] -max_total_time=120

Needs atheris (PyPI).
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook.drivers.sip.messages.destinations", "offhook.sip"]):
    from offhook.drivers.sip.messages.destinations import NoDestination, destination_of, sender, sip_address
    from offhook.drivers.sip.requests.building import address_of
    from offhook.drivers.sip.transport.routing import sip_uri
    from offhook.sip.message import make_request
    from offhook.sip.parser import parse
    from offhook.sip.uri import NameAddr

ALICE = SimpleNamespace(name="alice", aors=("alice", "desk"))
TRUNK = SimpleNamespace(name="trunk", aors=())
STACK: Any = SimpleNamespace(
    config=SimpleNamespace(
        endpoints={"alice": ALICE, "trunk": TRUNK},
        settings=SimpleNamespace(default_outbound_endpoint="trunk", ignore_uri_user_options=True),
    ),
    locations=SimpleNamespace(
        by_name={
            "alice": SimpleNamespace(reachable=[]),
            "desk": SimpleNamespace(reachable=[SimpleNamespace(uri="sip:harry@127.0.0.2:5061;x=1")]),
        }
    ),
)
OURS = NameAddr.parse('"Us" <sip:trunk@192.0.2.1>;tag=1')


def one(data: bytes) -> None:
    written, _, who = data.decode("utf-8", "surrogateescape").partition("\0")
    try:
        target = destination_of(STACK, written)
        text, display = target.uri, target.display
    except NoDestination as error:
        assert str(error)
        return
    uri = sip_uri(text)
    if uri is None:
        return
    request = make_request("MESSAGE", uri, str(sender(OURS, who)), address_of(uri), "id", 1)
    named = sip_address(who)
    if named is not None:
        request.set("To", str(named))
    elif display:
        request.set("To", str(NameAddr(request.to.uri, display)))
    request.add("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
    again = parse(request.to_bytes())
    assert again.start_line == request.start_line, (again.start_line, request.start_line)
    names = [name for name, _ in request.headers if name != "Content-Length"]
    assert [name for name, _ in again.headers if name != "Content-Length"] == names
    assert again.uri == uri
    _ = again.to, again.from_


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
