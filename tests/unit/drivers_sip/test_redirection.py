"""Requests that are redirected, and headers in their short form."""

from __future__ import annotations

import pytest

from offhook.calls.messages import Message
from offhook.drivers.sip.messages import messaging

OFFICE = """
[bob]
type = endpoint
aors = bob
{more}
[bob]
type = aor
max_contacts = 1
"""


class Mailbox:
    """Refuses as it is told, then takes."""

    def __init__(self, peer) -> None:
        self.got = []
        self.answers: list[tuple[int, list[str]]] = []
        peer.answer = self._answer

    def _answer(self, request):
        if request.method != "MESSAGE":
            return None
        self.got.append(request.target.partition("@")[0])
        status, contacts = self.answers.pop(0) if self.answers else (200, [])
        response = request.response(status)
        for contact in contacts:
            response.add("Contact", contact)
        return response


@pytest.fixture
def begin(office):
    async def start(more: str) -> tuple[Mailbox, str]:
        await office.start(OFFICE.format(more=more))
        phone = await office.phone()
        await phone.register("bob")
        return Mailbox(phone), phone.address

    return start


async def send(office) -> None:
    message = Message(to="", from_="", body="hello", context="", exten="", technology="pjsip", endpoint="bob")
    messaging.send(office.stack, message, "bob", "", "")
    await office.after(0.05)


async def test_contacts_are_tried_in_the_order_of_their_wish(begin, office):
    box, where = await begin("follow_redirect_methods = message")
    wishes = [f"<sip:{name}@{where}>;q={q}" for name, q in (("third", 0.1), ("first", 0.9), ("second", 0.5))]
    box.answers = [(302, wishes), (480, []), (302, [f"<sip:first@{where}>", f"<sip:fourth@{where}>"]), (480, [])]
    await send(office)
    assert box.got == ["sip:bob", "sip:first", "sip:second", "sip:third", "sip:fourth"]


async def test_redirects_are_followed_where_the_endpoint_says_so_only(begin, office):
    box, where = await begin("")
    box.answers = [(302, [f"<sip:first@{where}>"])]
    await send(office)
    assert box.got == ["sip:bob"]


async def test_somebody_who_sends_in_circles_is_left(begin, office):
    box, where = await begin("follow_redirect_methods = message")
    box.answers = [(302, [f"<sip:{number}@{where}>"]) for number in range(9)]
    await send(office)
    assert box.got == ["sip:bob", *(f"sip:{number}" for number in range(5))]


async def test_headers_may_be_short(office):
    await office.start("[system]\ntype = system\ncompact_headers = yes\n" + OFFICE.format(more=""))
    phone = await office.phone()
    seen: list[bytes] = []
    office.stack.on_sent.append(lambda data, _: seen.append(data))
    await phone.register("bob")
    assert b"\r\nv: SIP/2.0/UDP" in seen[0]
    assert b"\r\nVia:" not in seen[0]
