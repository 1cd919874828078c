"""An Astribank on the real xpp drivers, from a box without firmware to calls; and the daemon alone takes care of it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest.astribank_box import kernel_log, simulated_box, until, write_firmware
from kernel_shims.astribank.simulated.running import Remote
from kernel_shims.simulator import sound
from support.daemon import Daemon

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
PLAN = """\
[phones]
exten => 600,1,Answer()
 same => n,Echo()
exten => 116,1,Dial(DAHDI/116,20)
[contacts]
exten => s,1,Dial(DAHDI/109,3)
"""
SYSTEM = "fxoks=101-122\nloadzone=us\ndefaultzone=us\n"
ASSIGNED = "usb:SIM00001 1:41:101 2:42:115\n"
RING_S = 10.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
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
    files = {"dahdi/system.conf": SYSTEM, "dahdi/assigned-spans.conf": ASSIGNED, "extensions.conf": PLAN}
    with Daemon(folder, {"chan_dahdi.conf": CHANNELS, **files}) as running:
        yield running


@pytest.fixture(scope="module")
def box(daemon: Daemon) -> Iterator[Remote]:
    """A box without any firmware, plugged in while the daemon runs, and ready."""
    with simulated_box("--burst", "8") as remote:
        wait_for_channels(daemon, remote)
        yield remote


def open_channels(daemon: Daemon) -> int:
    """How many descriptors of channels the daemon has."""
    return daemon.descriptors().count("/dev/dahdi/channel")


def wait_for_channels(daemon: Daemon, box: Remote) -> None:
    """Firmware, cards and spans: until the daemon has every channel."""
    try:
        until(lambda: open_channels(daemon) == 22, "the channels", 40)
    except AssertionError as error:
        raise AssertionError(f"{error}: {box('state')}\n{daemon.told()}\n{kernel_log()}") from None
    time.sleep(1.5)


def phone(box: Remote, line: int) -> dict[str, object]:
    """What can be seen of a telephone."""
    state = box("state")
    assert isinstance(state, dict)
    found: dict[str, object] = state["phones"][line]
    return found


def hears(box: Remote, line: int, pitch: float, seconds: float = 1.0) -> float:
    """The share of a tone in what a telephone hears in the next while."""
    box("forget", line)
    time.sleep(seconds)
    octets = bytes.fromhex(str(box("heard", line)))
    samples = sound.decode(octets[-4000:], "ulaw")
    return sound.share(samples, pitch) if len(samples) == 4000 else 0.0


def calls(daemon: Daemon) -> str:
    """Channels there are."""
    return daemon.cli("core show channels concise")


def test_firmware_is_loaded_in_three_stages_and_the_cards_are_set_up_without_perl(daemon: Daemon, box: Remote) -> None:
    state = box("state")
    assert isinstance(state, dict)
    assert state["product"] == "1162" and state["host_version"] == 30 and state["ticking"]
    assert state["fpga_octets"] == 1024 and state["programs"] == [1, 2, 3, 4, 6]
    assert "line chips calibrated" in kernel_log()
    shown = daemon.cli("xpp show")
    assert "usb:SIM00001" in shown and "101-114,115-122" in shown and "master" in shown, shown
    detail = daemon.cli("xpp show SIM00001")
    assert "licensed ports: 16 FXS" in detail and "TwinStar" in detail, detail
    measured = daemon.cli("line test 118")
    assert "ring -48.9 V" in measured and "metallic test: no fault" in measured, measured


def test_a_telephone_rings_answers_and_hears_itself(daemon: Daemon, box: Remote) -> None:
    daemon.cli("channel originate DAHDI/115 application Echo")
    until(lambda: phone(box, 8)["rings"], "the bell", RING_S)
    box("lift", 8)
    time.sleep(1.5)
    box("say", 8, sound.encode(sound.tone((1000.0,), 3000), "ulaw").hex())
    assert hears(box, 8, 1000.0) > 0.8, daemon.told()
    box("lower", 8)
    time.sleep(2.0)
    assert "DAHDI" not in calls(daemon), daemon.told()


def test_one_telephone_calls_another(daemon: Daemon, box: Remote) -> None:
    box("lift", 0)
    assert hears(box, 0, 350.0) + hears(box, 0, 440.0) > 0.8, daemon.told()
    box("dial", 0, "116")
    until(lambda: phone(box, 9)["rings"], "the bell", RING_S)
    box("lift", 9)
    time.sleep(1.0)
    box("say", 0, sound.encode(sound.tone((700.0,), 2500), "ulaw").hex())
    assert hears(box, 9, 700.0) > 0.8, daemon.told()
    box("lower", 9)
    box("lower", 0)
    time.sleep(2.0)
    assert "DAHDI" not in calls(daemon), daemon.told()


def test_an_input_contact_starts_a_call_that_closes_an_output_contact(daemon: Daemon, box: Remote) -> None:
    def outputs() -> object:
        state = box("state")
        assert isinstance(state, dict)
        return state["outputs"]

    assert outputs() == [False, False]
    box("contact", 0, "close")
    until(lambda: outputs() == [True, False], "the output to close", 5)
    until(lambda: outputs() == [False, False], "the output to open again", 6)
    box("contact", 0, "open")
    # The driver looks at inputs every second, and a flash could still follow.
    time.sleep(3.0)
    assert "DAHDI" not in calls(daemon), daemon.told()


def test_pulled_out_in_a_call_it_comes_back_under_its_numbers(daemon: Daemon, box: Remote) -> None:
    assert open_channels(daemon) == 22
    box("lift", 1)
    time.sleep(1.0)
    box("dial", 1, "600")
    until(lambda: "DAHDI/102-" in calls(daemon) and "Echo" in calls(daemon), "the call", 8)
    box("unplug")
    time.sleep(1.0)
    assert "DAHDI" not in calls(daemon), daemon.told()
    assert not open_channels(daemon), daemon.descriptors()
    gone = subprocess.run(("busybox", "ls", "/sys/bus/astribanks/devices"), capture_output=True, text=True, check=True)
    assert not gone.stdout.strip(), gone.stdout
    box("lower", 1)
    box("plug")
    wait_for_channels(daemon, box)
    box("lift", 1)
    assert hears(box, 1, 350.0) + hears(box, 1, 440.0) > 0.8, daemon.told()
    box("lower", 1)
