"""Two real phones at a real daemon."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon
from support.phone import Phone

if importlib.util.find_spec("pjsua2") is None:
    collect_ignore = ["test_audiosocket.py", "test_calls.py", "test_conference.py"]

PJSIP_CONF = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}

[tcp]
type = transport
protocol = tcp
bind = 127.0.0.1:{sip}

[phone](!)
type = endpoint
context = phones
disallow = all
allow = ulaw,alaw,g722
direct_media = no
set_var = CALLCOMPLETION(cc_agent_policy)=generic
set_var = CALLCOMPLETION(cc_monitor_policy)=generic

[alice](phone)
auth = alice
aors = alice
callerid = "Alice" <101>
[alice]
type = auth
auth_type = digest
username = alice
password = of-alice
[alice]
type = aor
max_contacts = 1
remove_existing = yes

[bob](phone)
auth = bob
aors = bob
callerid = "Bob" <102>
[bob]
type = auth
auth_type = digest
username = bob
password = of-bob
[bob]
type = aor
max_contacts = 1
remove_existing = yes
"""

EXTENSIONS_CONF = """\
[phones]
exten => 101,1,Dial(PJSIP/alice,20)
exten => 102,1,Dial(PJSIP/bob,20)
exten => 600,1,Answer()
 same => n,Echo()
exten => 601,1,Answer()
 same => n,MusicOnHold()
exten => 603,1,Answer()
 same => n,Read(ENTERED,,4,,,10)
 same => n,UserEvent(Entered,Digits: ${ENTERED})
 same => n,Hangup()
exten => 604,1,Answer()
 same => n,Milliwatt()
exten => 605,1,Busy(5)
exten => 606,1,CallCompletionRequest()
 same => n,UserEvent(Completion,Result: ${CC_REQUEST_RESULT})
exten => 607,1,ConfBridge(room,,quiet,keys)
exten => 616,1,Answer()
 same => n,AudioSocket(40325ec2-5efd-4bd3-805f-53576e581d13,${AUDIOSOCKET})
 same => n,UserEvent(Served,Way: application)
 same => n,Hangup()
exten => 617,1,Dial(AudioSocket/${AUDIOSOCKET}/40325ec2-5efd-4bd3-805f-53576e581d13/c(slin16))
"""

CONFBRIDGE_CONF = """\
[quiet]
type = user
quiet = yes
talk_detection_events = yes
[keys]
type = menu
1 = toggle_mute
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with the accounts alice and bob and some numbers."""
    files = {
        "pjsip.conf": PJSIP_CONF,
        "extensions.conf": EXTENSIONS_CONF,
        "confbridge.conf": CONFBRIDGE_CONF,
        "musiconhold.conf": "[default]\nmode = files\ndirectory = moh\n",
        "indications.conf": "[general]\ncountry = us\n[us]\nringcadence = 2000,4000\nring = 440+480/2000,0/4000\n",
    }
    with Daemon(tmp_path, files) as running:
        yield running
        ended = running.process is not None and running.process.poll() is not None
        assert not ended, f"the daemon died:\n{running.told()}"


@pytest.fixture
def alice(daemon: Daemon) -> Iterator[Phone]:
    """The phone of alice, registered."""
    with Phone("alice", "of-alice", f"127.0.0.1:{daemon.sip_port}") as phone:
        yield phone.start()


@pytest.fixture
def bob(daemon: Daemon) -> Iterator[Phone]:
    """The phone of bob, registered."""
    with Phone("bob", "of-bob", f"127.0.0.1:{daemon.sip_port}") as phone:
        yield phone.start()
