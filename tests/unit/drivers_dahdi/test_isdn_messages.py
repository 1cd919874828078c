"""Message waiting over ISDN: who is told of which mailbox, on the wire."""

from __future__ import annotations

import logging

import pytest

from kernel_shims.pri.events import Kind, PriEvent
from offhook.drivers.dahdi.isdn.messages import Box, boxes_of
from support.isdn_story import start, start_bri
from support.line_story import Office

BOXES = "mwi_mailboxes = 1001@default,1002@default\nmwi_vm_boxes = 501,502\nmwi_vm_numbers = 700"


def test_numbers_that_are_left_out_are_the_one_before() -> None:
    settings = {"mwi_mailboxes": "1@a, ,3@a,4@a", "mwi_vm_boxes": "51,52,53", "mwi_vm_numbers": "70,,71"}
    assert boxes_of(settings) == [Box("1@a", "51", "70"), Box("3@a", "53", "71")]


async def test_the_users_of_a_bus_are_told(office: Office) -> None:
    """What there is when the D channel is opened, and each change; nobody has to be in layer 2 for that."""
    lines = await start_bri(office, BOXES, "mwi_mailboxes =", multipoint=True)
    sent: list[bytes] = []
    lines.isdn.spans[3].link.on_frame = lambda ours, frame: sent.append(frame) if ours else None
    office.pbx.mailboxes.publish("1002@default", 2, 0)
    office.pbx.mailboxes.publish("1003@default", 9, 0)
    await office.advance(0.5)
    (told,) = sent
    assert b"502" in told and b"700" in told
    office.pbx.mailboxes.publish("1002@default", 0, 2)
    await office.advance(0.5)
    assert len(sent) == 2 and b"502" in sent[1]


@pytest.mark.parametrize("switch", ["euroisdn", "qsig", "national"])
async def test_other_interfaces_have_no_such_service(
    office: Office, switch: str, caplog: pytest.LogCaptureFixture
) -> None:
    """libpri tells the devices of a bus alone: it is said once, when the D channel comes up."""
    with caplog.at_level(logging.WARNING):
        await start(office, f"{BOXES}\nswitchtype = {switch}", f"mwi_mailboxes =\nswitchtype = {switch}")
        office.pbx.mailboxes.publish("1002@default", 2, 0)
        await office.advance(0.1)
    said = [record.message for record in caplog.records if "mwi_mailboxes" in record.message]
    assert said == ["span 3: mwi_mailboxes is for a BRI to several devices (bri_net_ptmp): nobody is told of messages"]


async def test_a_call_that_carries_services_alone_is_none_of_the_dialplan(office: Office) -> None:
    """A message without a B channel, for good: cleared, no channel made."""
    lines = await start(office)
    span = lines.isdn.spans[3]
    span._event(span.d_channels[0], PriEvent(Kind.FACILITY, call=None))
    await office.advance(0.1)
    assert not len(office.pbx.channels)
