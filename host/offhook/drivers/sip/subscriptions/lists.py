"""Notifications of lists: a description of the list, and the bodies of its members behind it (RFC 4662 5)."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, NamedTuple

from offhook.drivers.sip.subscriptions.xml import Element
from offhook.drivers.sip.transport.routing import sip_uri

if TYPE_CHECKING:
    from offhook.drivers.sip.subscriptions.branch import Branch

RLMI = "application/rlmi+xml"
_LETTERS = string.ascii_lowercase + string.digits


class Written(NamedTuple):
    """A body and its content type."""

    content_type: str
    body: bytes


def write(branch: Branch, content_type: str, *, full: bool) -> Written | None:
    """What is to be notified of a branch: all of it, or (``full`` false) what changed; None when that is nothing.

    ``content_type`` is that of the members' bodies.
    """
    if not branch.children:
        if not full and not branch.changed:
            return None
        branch.changed = False
        return Written(content_type, branch.body)
    full = full or branch.full_state
    members = [
        (child, _content_id(child), written)
        for child in branch.children
        if (written := write(child, content_type, full=full)) is not None
    ]
    if not members:
        return None
    boundary = _random(10)
    description = _describe(branch, [(child, identity) for child, identity, _ in members], full=full)
    parts = [(_content_id(branch), Written(RLMI, description)), *((identity, each) for _, identity, each in members)]
    text = b"".join(_part(boundary, identity, each) for identity, each in parts)
    return Written(f'multipart/related;type="{RLMI}";boundary={boundary}', text + f"\r\n--{boundary}--\r\n".encode())


def _part(boundary: str, identity: str, written: Written) -> bytes:
    head = f"\r\n--{boundary}\r\nContent-ID: <{identity}>\r\nContent-Type: {written.content_type}\r\n\r\n"
    return head.encode() + written.body


def _describe(branch: Branch, members: list[tuple[Branch, str]], *, full: bool) -> bytes:
    root = Element(
        "list",
        xmlns="urn:ietf:params:xml:ns:rlmi",
        uri=branch.uri,
        version=str(branch.version),
        fullState="true" if full else "false",
    )
    branch.version += 1
    root.add("name", branch.resource)
    for child, identity in members:
        resource = root.add("resource", uri=child.uri)
        resource.add("name", child.display_name or child.resource)
        state = "terminated" if child.terminated else "active"
        resource.add("instance", id=_random(5), state=state, cid=identity)
    return root.document().encode()


def _content_id(branch: Branch) -> str:
    uri = sip_uri(branch.uri)
    return f"{_random(5)}@{uri.host if uri is not None else 'localhost'}"


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
