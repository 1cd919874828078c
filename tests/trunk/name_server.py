#!/usr/bin/env python3
"""A name server that knows the cloud's domain: name_server.py ADDRESS. Needs dnspython."""

from __future__ import annotations

import socket
import sys

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

DOMAIN = "sip.cloud.test."
ZONE = {
    (f"_sips._tcp.{DOMAIN}", "SRV"): [f"10 10 5061 a.{DOMAIN}", f"20 10 5061 b.{DOMAIN}"],
    (f"a.{DOMAIN}", "A"): ["198.51.100.10"],
    (f"b.{DOMAIN}", "A"): ["198.51.100.11"],
}
LIFETIME_S = 5


def answer(data: bytes) -> bytes:
    """The answer to a question."""
    question = dns.message.from_wire(data)
    response = dns.message.make_response(question)
    response.flags |= dns.flags.AA
    asked = question.question[0]
    name, kind = asked.name.to_text().lower(), dns.rdatatype.to_text(asked.rdtype)
    found = ZONE.get((name, kind))
    if found:
        response.answer.append(dns.rrset.from_text(asked.name, LIFETIME_S, "IN", kind, *found))
    elif not any(known == name for known, _ in ZONE):
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((sys.argv[1], 53))
        while True:
            data, peer = sock.recvfrom(4096)
            sock.sendto(answer(data), peer)


if __name__ == "__main__":
    main()
