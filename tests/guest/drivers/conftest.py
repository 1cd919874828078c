"""Spans and ISDN devices that the stories use."""

from __future__ import annotations

import pytest

from guest.cables import command, plug

# Each pair of spans is a cable: what goes in at one end comes out at the other.
#   1-4    phones (FXS ports) on   5-8    lines (FXO ports)
#   9-39   an E1, D on 24     on   40-70  an E1, D on 55
SYSTEM_CONF = """\
dynamic=loc,1:0,4,0
dynamic=loc,1:1,4,0
dynamic=loc,2:0,31,0
dynamic=loc,2:1,31,0
fxoks=1-4
fxsks=5-8
bchan=9-23,25-39
dchan=24
bchan=40-54,56-70
dchan=55
"""
# Two BRI ports and two E1 ports, each pair wired to one another over loopback.
L1OIP = "type=1,1,2,2 ip={ip} port=931,932,933,934 remoteport=932,931,934,933".format(ip=",".join(["127,0,0,1"] * 4))


@pytest.fixture(scope="session")
def spans() -> None:
    """The cables above."""
    plug(SYSTEM_CONF)


@pytest.fixture(scope="session")
def isdn() -> None:
    """Devices 0 and 1: the two ends of a BRI; 2 and 3: those of an E1."""
    command("busybox", "modprobe", "mISDN_dsp")
    command("busybox", "modprobe", "l1oip", *L1OIP.split())
