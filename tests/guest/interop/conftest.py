"""Offhook and a real Asterisk, each with a telephone, at the two ends of two E1 cables."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest.asterisk import Asterisk
from guest.cables import plug
from support.daemon import Daemon

#   1-4     telephones' ports     on   5-8       telephones
#   9-39    an E1, D on 24        on   40-70     an E1, D on 55
#   71-101  another, D on 86      on   102-132   another, D on 117
SYSTEM_CONF = """\
dynamic=loc,1:0,4,0
dynamic=loc,1:1,4,0
dynamic=loc,2:0,31,0
dynamic=loc,2:1,31,0
dynamic=loc,3:0,31,0
dynamic=loc,3:1,31,0
fxoks=1-4
fxsks=5-8
bchan=9-23,25-39,40-54,56-70,71-85,87-101,102-116,118-132
dchan=24,55,86,117
"""
# Offhook: a telephone on channel 1 (its far end is 5); user of the first E1, network of the second.
CHANNELS = """\
[channels]
echocancel = no
overlapdial = yes
moh_signaling = notify
[telephones]
signalling = fxo_ks
context = phones
callerid = Alice <101>
threewaycalling = yes
dahdichan = 1
[public]
switchtype = euroisdn
signalling = pri_cpe
context = trunk
group = 1
dahdichan = 9-23,25-39
[private]
switchtype = qsig
signalling = pri_net
context = trunk
group = 2
facilityenable = yes
dahdichan = 71-85,87-101
"""
PLAN = """\
[phones]
exten => 61,1,Dial(DAHDI/g1/8600,20)
exten => 62,1,Dial(DAHDI/g2/8600,20)
exten => 63,1,Dial(DAHDI/g1/201,20)
exten => 64,1,Dial(DAHDI/g1/8400,20)
 same => n,Set(GLOBAL(CAME)=${DIALSTATUS} ${HANGUPCAUSE})
exten => 71,1,Dial(DAHDI/g1/,30)
[trunk]
exten => 101,1,Set(GLOBAL(CALLER)=${CALLERID(num)} ${CALLERID(name)} for ${EXTEN})
 same => n,Dial(DAHDI/1,20)
exten => 8600,1,Wait(1)
 same => n,Answer()
 same => n,Set(GLOBAL(DIALLED)=${EXTEN})
 same => n,Echo()
"""
# Asterisk: a telephone on channel 3 (its far end is 7), and the other ends.
FAR_CHANNELS = """\
[channels]
echocancel = no
overlapdial = yes
moh_signaling = notify
[telephones]
signalling = fxo_ks
context = phones
callerid = Bob <201>
threewaycalling = yes
dahdichan = 3
[public]
switchtype = euroisdn
signalling = pri_net
context = trunk
group = 1
dahdichan = 40-54,56-70
[private]
switchtype = qsig
signalling = pri_cpe
context = trunk
group = 2
facilityenable = yes
dahdichan = 102-116,118-132
"""
FAR_PLAN = """\
[phones]
exten => 61,1,Dial(DAHDI/g1/101,20)
exten => 71,1,Dial(DAHDI/g1/,30)
[trunk]
exten => 201,1,Dial(DAHDI/3,20)
exten => 8600,1,Wait(1)
 same => n,Answer()
 same => n,Set(GLOBAL(CALLER)=${CALLERID(num)} ${CALLERID(name)} for ${EXTEN})
 same => n,Echo()
exten => 8601,1,Answer()
 same => n,Echo()
exten => 8400,1,Hangup(17)
[call]
exten => 1,1,Set(CALLERID(all)=Carol <5550303>)
 same => n,Dial(DAHDI/g1/101,30)
exten => 2,1,Set(CALLERID(all)=Dora <5550404>)
 same => n,Dial(DAHDI/g2/101,30)
[echo]
exten => s,1,Answer()
 same => n,Echo()
"""


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Asterisk]:
    """The far end."""
    plug(SYSTEM_CONF)
    with Asterisk({"chan_dahdi.conf": FAR_CHANNELS, "extensions.conf": FAR_PLAN}) as running:
        yield running


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory, asterisk: Asterisk) -> Iterator[Daemon]:
    """Offhook, once layer 2 is up at both ends."""
    folder: Path = tmp_path_factory.mktemp("offhook")
    with Daemon(folder, {"chan_dahdi.conf": CHANNELS, "extensions.conf": PLAN}) as running:
        time.sleep(5)
        yield running
