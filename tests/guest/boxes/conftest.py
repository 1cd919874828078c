"""The exchange alone, and a simulated Astribank that is plugged in while it runs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest import conversation
from guest.astribank_box import simulated_box, wait_for_channels, write_firmware
from guest.exchange import Exchange
from kernel_shims.astribank.simulated.running import Remote

# The first module has 8 telephones, 2 output and 4 input contacts: 101-114; the second one 8 telephones: 115-122.
CHANNELS = """\
[channels]
echocancel = no
signalling = fxo_ks
context = phones
channel => 101-108,115-122
context = contacts
channel => 109-110
immediate = yes
channel => 111-114
"""
# A second box: a BRI card, user side 201-203 and network side 204-206, and a PRI card, E1s 207-237 and 238-268.
DIGITAL = """\
immediate = no
context = conversation
switchtype = euroisdn
signalling = bri_cpe
group = 1
channel => 201-202
signalling = bri_net
group = 2
channel => 204-205
signalling = pri_cpe
group = 3
channel => 207-221,223-237
signalling = pri_net
group = 4
channel => 238-252,254-268
"""
PLAN = """\
[phones]
exten => 600,1,Answer()
 same => n,Echo()
exten => 116,1,Dial(DAHDI/116,20)
[contacts]
exten => s,1,Dial(DAHDI/109,3)
"""
SYSTEM = """\
loadzone=us
defaultzone=us
fxoks=101-122
span=51,0,0,ccs,ami
span=52,0,0,ccs,ami
span=53,0,0,ccs,hdb3,crc4
span=54,0,0,ccs,hdb3,crc4
bchan=201-202,204-205,207-221,223-252,254-268
hardhdlc=203,206
dchan=222,253
"""
ASSIGNED = "usb:SIM00001 1:41:101 2:42:115\nusb:SIM00002 1:51:201 2:52:204 3:53:207 4:54:238\n"


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """The exchange; no box is there yet."""
    # The kernel's modprobe; busybox has no link for it in the guest.
    if shutil.which("modprobe") is None:
        Path("/usr/sbin/modprobe").symlink_to(shutil.which("busybox") or "/bin/busybox")
    # A simulated box is slower than a real one: the driver must not throw sound away for that.
    subprocess.run(("modprobe", "xpp"), check=True)
    subprocess.run(("modprobe", "xpp_usb", "tx_sluggish=500000"), check=True)
    write_firmware(Path("/usr/share/dahdi"))
    folder = tmp_path_factory.mktemp("offhook")
    (folder / "etc/dahdi").mkdir(parents=True)
    files = {
        "dahdi/system.conf": SYSTEM,
        "dahdi/assigned-spans.conf": ASSIGNED,
        "extensions.conf": PLAN + conversation.PLAN,
    }
    with Exchange(folder, {"chan_dahdi.conf": CHANNELS + DIGITAL, **files}) as running:
        yield running


@pytest.fixture(scope="session")
def box(exchange: Exchange) -> Iterator[Remote]:
    """A box without any firmware, plugged in while the exchange runs, and ready."""
    with simulated_box("--burst", "8") as remote:
        wait_for_channels(exchange, remote)
        yield remote
