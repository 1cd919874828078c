"""mISDN, built for a kernel whose makers left it out, end to end over layer 1 in UDP."""

from __future__ import annotations

import random

import pytest

from guest import misdn_kernel as misdn
from guest.misdn_kernel import Channel

pytestmark = pytest.mark.usefixtures("isdn")


def test_the_ports_of_the_boxes_are_there() -> None:
    assert [channels for _, channels in misdn.devices()] == [2, 2, 30, 30]


def test_a_basic_access_activates_and_carries_frames_and_audio() -> None:
    with Channel(0, 0, misdn.NT_S0) as network, Channel(1, 0, misdn.TE_S0) as terminal:
        network.send(misdn.ACTIVATE_REQUEST)
        network.expect(misdn.ACTIVATE_INDICATION)
        terminal.send(misdn.ACTIVATE_REQUEST)
        terminal.expect(misdn.ACTIVATE_INDICATION)
        for number in range(20):
            content = bytes([0xFC, 0xFF, 3, number])
            network.send(misdn.DATA_REQUEST, content)
            assert terminal.expect(misdn.DATA_INDICATION) == content
            terminal.send(misdn.DATA_REQUEST, content[::-1])
            assert network.expect(misdn.DATA_INDICATION) == content[::-1]

        pattern = random.Random(1).randbytes(8000)
        with Channel(0, 1, misdn.B_RAW) as near, Channel(1, 1, misdn.B_RAW) as far:
            for end in (near, far):
                end.send(misdn.ACTIVATE_REQUEST)
            for end in (near, far):
                end.expect(misdn.ACTIVATE_INDICATION)
            heard, todo = b"", pattern
            while todo or pattern not in heard:
                if todo:
                    near.send(misdn.DATA_REQUEST, todo[:160])
                    todo = todo[160:]
                primitive, content = far.receive(1.0)
                assert primitive, f"{len(heard)} bytes came, then silence"
                if primitive == misdn.DATA_INDICATION:
                    heard += content
            assert pattern in heard
