"""Message waiting: which mailboxes a phone watches, who is told unasked, and what another exchange tells us."""

from __future__ import annotations

import re

import pytest

from offhook.drivers.sip.subscriptions.notified import counts_of
from offhook.sip.errors import SIPError
from support.sip_watcher import OFFICE

BOXES = OFFICE.replace("max_contacts = 5", "max_contacts = 5\nmailboxes = 100@x, 101@x\nvoicemail_extension = *98")


async def test_mailboxes_are_watched_together(begin, office):
    phone = await begin(BOXES)
    office.pbx.mailboxes.publish("100@x", 1, 2)
    assert (await phone.subscribe("alice", "message-summary")).status == 200
    office.pbx.mailboxes.publish("101@x", 2, 0)
    await office.after(0.01)
    server = f"{phone.peer.server[0]}:{phone.peer.server[1]}"
    assert phone.bodies == [
        f"Messages-Waiting: yes\r\nMessage-Account: sip:*98@{server}\r\nVoice-Message: {counts} (0/0)\r\n"
        for counts in ("1/2", "3/2")
    ]


@pytest.mark.parametrize(("resource", "status"), [("*98", 200), ("bob", 404), ("", 200)])
async def test_which_mailboxes_a_resource_means(begin, office, resource, status):
    phone = await begin(BOXES)
    assert (await phone.subscribe(resource, "message-summary")).status == status


UNASKED = OFFICE.replace("aors = alice", "aors = alice\nmailboxes = 100@x,101@x\naggregate_mwi = {together}\n{more}")


async def test_phones_are_told_unasked(begin, office):
    phone = await begin(UNASKED.format(together="yes", more="mwi_from_user = mail\nvoicemail_extension = 99"))
    await phone.peer.register()
    await office.after(0.01)
    office.pbx.mailboxes.publish("100@x", 1, 0)
    office.pbx.mailboxes.publish("101@x", 1, 3)
    await office.after(0.01)
    assert [re.search(r"(\d/\d) ", body)[1] for body in phone.bodies] == ["0/0", "1/0", "2/3"]
    assert phone.last.from_.uri.user == "mail"
    assert "Message-Account: sip:99@127.0.0.1" in phone.bodies[-1]
    assert phone.last.get("Subscription-State") == "terminated"
    await phone.peer.register(expires=0)
    office.pbx.mailboxes.publish("100@x", 0, 0)
    await office.after(0.01)
    assert len(phone.notified) == 3
    assert not office.pbx.mailboxes.watched


async def test_mailboxes_apart(begin, office):
    phone = await begin(UNASKED.format(together="no", more=""))
    await phone.peer.register()
    await office.after(0.01)
    office.pbx.mailboxes.publish("101@x", 4, 0)
    await office.after(0.01)
    assert [re.search(r"(\d/\d) ", body)[1] for body in phone.bodies] == ["0/0", "0/0", "4/0"]


async def test_told_unasked_and_subscribed_exclude_each_other(begin, office):
    both = UNASKED.replace("max_contacts = 5", "max_contacts = 5\nmailboxes = 100@x")
    phone = await begin(both.format(together="yes", more=""))
    assert (await phone.subscribe("alice", "message-summary")).status == 500


async def test_subscribing_replaces_being_told_unasked(begin, office):
    both = UNASKED.replace("max_contacts = 5", "max_contacts = 5\nmailboxes = 100@x")
    phone = await begin(both.format(together="no", more="mwi_subscribe_replaces_unsolicited = yes"))
    await phone.peer.register()
    await office.after(0.01)
    phone.notified.clear()
    assert (await phone.subscribe("alice", "message-summary")).status == 200
    office.pbx.mailboxes.publish("100@x", 1, 0)
    await office.after(0.01)
    assert phone.states == ["active", "active"]
    phone.notified.clear()
    await phone.again(0)
    await office.after(0.01)
    assert phone.states == ["terminated", "terminated"]  # the last of the subscription, the first told unasked
    assert phone.notified[1].to_tag == ""


async def test_another_exchange_tells_of_messages(begin, office):
    phone = await begin(OFFICE.replace("aors = alice", "aors = alice\nincoming_mwi_mailbox = 7@far"))
    body = b"Messages-Waiting: yes\r\nMessage-Account: sip:7@far\r\nVoice-Message: 3/1 (1/0)\r\n"
    request = phone.peer.request(
        "NOTIFY",
        "alice",
        ("Contact", f"<{phone.peer.uri('alice')}>"),
        ("Event", "message-summary"),
        ("Content-Type", "application/simple-message-summary"),
    )
    request.body = body
    request.set("Content-Length", len(body))
    assert (await phone.peer.exchange(request)).status == 200
    assert office.pbx.mailboxes.count("7@far") == (3, 1)


@pytest.mark.parametrize(
    ("summary", "counts"),
    [
        ("Messages-Waiting: yes\r\nVoice-Message: 3/1 (1/0)\r\n", (3, 1, 1, 0)),
        ("voice-message:2/0", (2, 0, 0, 0)),
        ("Voice-Message: 2/0 (9999999999/0)", (2, 0, 0, 0)),
    ],
)
def test_counts_of_a_summary(summary: str, counts: tuple[int, ...]) -> None:
    assert counts_of(summary) == counts


@pytest.mark.parametrize(
    "summary", ["", "Voice-Message: x", f"Voice-Message: {'9' * 5000}/1", "Voice-Message: \u0663/1"]
)
def test_a_summary_without_counts(summary: str) -> None:
    with pytest.raises(SIPError):
        counts_of(summary)
