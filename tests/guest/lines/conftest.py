"""Spans that the stories use, and the exchange on them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from guest import conversation
from guest.cables import plug
from guest.exchange import Exchange

# Each pair of spans is a cable: what goes in at one end comes out at the other.
#   1-4    phones (FXS ports)    on   5-8      telephones
#   9-39   an E1, D on 24        on   40-70    an E1, D on 55
#   71-74  MFC/R2                on   75-78
#   79-82  E&M                   on   83-86
#   87-90  an exchange's lines   on   91-94    FXO ports
#   95-98  the first span of a trunk group, D on 98    on   99-102     and its far end, D on 102
#   103-106   its second span, B channels alone        on   107-110
#   111-115 B channels and one D, left to the story of what a leg costs   on   116-120
#   121-123 a BRI, point to point, D on 123               on   124-126
#   127-129 a BRI to several devices, D on 129            on   130-132
#   133-138   SS7, links on 137 and 138    on   139-144, links on 143 and 144
SYSTEM_CONF = """\
dynamic=loc,1:0,4,0
dynamic=loc,1:1,4,0
dynamic=loc,2:0,31,0
dynamic=loc,2:1,31,0
dynamic=loc,3:0,4,0
dynamic=loc,3:1,4,0
dynamic=loc,4:0,4,0
dynamic=loc,4:1,4,0
dynamic=loc,5:0,4,0
dynamic=loc,5:1,4,0
dynamic=loc,6:0,4,0
dynamic=loc,6:1,4,0
dynamic=loc,7:0,4,0
dynamic=loc,7:1,4,0
dynamic=loc,8:0,5,0
dynamic=loc,8:1,5,0
dynamic=loc,9:0,3,0
dynamic=loc,9:1,3,0
dynamic=loc,a:0,3,0
dynamic=loc,a:1,3,0
dynamic=loc,b:0,6,0
dynamic=loc,b:1,6,0
fxoks=1-4,87-90
fxsks=5-8,91-94
bchan=9-23,25-39
dchan=24
bchan=40-54,56-70
dchan=55
cas=71-74:1101
cas=75-78:1101
alaw=71-78,133-144
e&m=79-86
bchan=95-97,99-101,103-106,107-110,111-114,116-119
dchan=98,102,115,120
bchan=121-122,124-125,127-128,130-131
dchan=123,126,129,132
bchan=133-136,139-142
dchan=137
dchan=138
dchan=143
dchan=144
"""
# The stories' parts of the configuration are put together: CHANNELS are sections of chan_dahdi.conf (each with
# dahdichan), TRUNK_GROUPS lines of [trunkgroups], PJSIP sections of pjsip.conf, PLAN contexts of extensions.conf; the
# telephones reach contexts whose names begin with "from-phones-".
TELEPHONES = """\
[channels]
echocancel = no
[alice]
signalling = fxo_ks
context = phones
threewaycalling = yes
transfer = yes
callwaiting = yes
callerid = Alice <101>
dahdichan = 1
[bob]
signalling = fxo_ks
context = phones
cidsignalling = v23
callerid = Bob <102>
dahdichan = 2
[carol]
signalling = fxo_ks
context = phones
cidsignalling = dtmf
callerid = Carol <103>
dahdichan = 3
[dora]
signalling = fxo_ks
context = phones
callwaiting = yes
callwaitingcallerid = yes
echocancel = 512
callerid = Dora <104>
dahdichan = 4
"""
PHONES = """\
[phones]
exten => _10[1-4],1,Dial(DAHDI/${EXTEN:2},30)
exten => 600,1,Answer()
 same => n,Echo()
exten => 601,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
"""


@pytest.fixture(scope="session")
def spans() -> None:
    """The cables above."""
    plug(SYSTEM_CONF)


@pytest.fixture(scope="session")
def exchange(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, spans: None
) -> Iterator[Exchange]:
    """One daemon for all stories of this run."""
    modules = dict.fromkeys(item.module for item in request.session.items if isinstance(item, pytest.Function))

    def parts(name: str) -> str:
        return "\n".join(str(getattr(module, name, "")) for module in modules)

    plan = parts("PLAN")
    included = "".join(f"include => {name}\n" for name in re.findall(r"^\[(from-phones-.*?)\]", plan, re.MULTILINE))
    files = {
        "chan_dahdi.conf": f"[trunkgroups]\n{parts('TRUNK_GROUPS')}\n{TELEPHONES}{parts('CHANNELS')}",
        "extensions.conf": f"{PHONES}{included}{conversation.PLAN}{plan}",
        "pjsip.conf": parts("PJSIP"),
    }
    with Exchange(tmp_path_factory.mktemp("offhook"), files) as running:
        time.sleep(2.0)
        yield running
