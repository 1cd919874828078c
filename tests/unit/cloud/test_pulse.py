"""The pulse of a trunk's connection: how soon a dead one is known, and that a bad line ends no living one."""

from __future__ import annotations

import random
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.drivers.sip.cloud import pulse
from offhook.drivers.sip.cloud.pulse import IDLE_S, Finding, Pulse

GOAL_S = 5.0
"""Issue E: registered again within, counted from the moment at which the way is there again."""
REGISTERING_S = 0.8
"""TCP, TLS and two REGISTERs over a line with a round trip of 100 ms."""


class Line:
    """A connection on simulated time. The kernel asks after IDLE_S of silence and again every IDLE_S; a ping of ours
    is repeated by TCP after 0.2, 0.6 and 1.4 s. Packets and answers are lost by chance, and from a moment on all."""

    def __init__(self, round_trip: float, loss: float = 0.0, dies: float = 1e9, seed: int = 1) -> None:
        self.round_trip, self.loss, self.dies = round_trip, loss, dies
        self.dice = random.Random(seed)
        self.acknowledged = 0.0
        self.pings = 0

    def packet(self, sent: float) -> None:
        arrives = self.dice.random() >= self.loss and self.dice.random() >= self.loss
        if arrives and sent + self.round_trip < self.dies:
            self.acknowledged = max(self.acknowledged, sent + self.round_trip)

    def watch(self, end: float) -> float | None:
        """When the pulse is found dead; None when it is not until the end."""
        judge, now, probe = Pulse(), 0.0, float(IDLE_S)
        while now < end:
            while probe <= now:
                self.packet(probe)
                probe = max(probe, self.acknowledged) + IDLE_S
            known = self.acknowledged if self.acknowledged <= now else now - self.round_trip
            finding, wait = judge.feel(now - known, self.round_trip)
            if finding is Finding.DEAD:
                return now
            if finding is Finding.ASK:
                self.pings += 1
                for later in (0.0, 0.2, 0.6, 1.4):
                    if later < wait:
                        self.packet(now + later)
            now += max(wait, 0.01)
        return None


@given(st.floats(0.001, 0.2), st.floats(10, 20))
def test_a_dead_connection_is_known_soon_enough_to_be_back_within_the_goal(round_trip: float, dies: float) -> None:
    found = Line(round_trip, dies=dies).watch(60)
    assert found is not None
    assert found - dies < GOAL_S - REGISTERING_S


def test_a_quiet_line_needs_no_ping_of_ours() -> None:
    line = Line(0.05)
    assert line.watch(600) is None
    assert line.pings == 0


@pytest.mark.parametrize("round_trip", [0.01, 0.3, 0.6])
def test_a_line_that_loses_packets_keeps_its_connection(round_trip: float) -> None:
    """Five of a hundred, for an hour: pings make up for the kernel's questions."""
    line = Line(round_trip, loss=0.05)
    assert line.watch(3600) is None
    assert line.pings > 0


def test_a_late_answer_after_our_ping_counts() -> None:
    judge = Pulse()
    finding, patience = judge.feel(3.0, 0.01)
    assert finding is Finding.ASK
    assert judge.feel(patience - 0.01, 0.01)[0] is Finding.ALIVE
    assert judge.feel(3.0, 0.01)[0] is Finding.ASK
    assert judge.feel(4.2, 0.01)[0] is Finding.DEAD


def test_the_kernel_tells_of_a_real_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as here:
        there, _ = server.accept()
        with there:
            pulse.begin(here)
            assert here.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == IDLE_S
            time.sleep(0.05)
            before, _ = pulse.read(here)
            assert before >= 0.04
            here.sendall(b"\r\n\r\n")
            there.recv(4)
            deadline = time.monotonic() + 30
            while pulse.read(here)[0] >= before and time.monotonic() < deadline:
                time.sleep(0.001)
                before += 0.001
            silent, round_trip = pulse.read(here)
            assert silent < before
            assert 0 < round_trip < 30
    with pytest.raises(OSError, match=r"closed|descriptor"):
        pulse.read(here)
