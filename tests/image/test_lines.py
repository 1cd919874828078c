"""A phone on a line of a box: dial tone, seen at the console and over SSH, and a call, followed as a ladder.

The line is one of the kernel's own: DAHDI's spans over a cable between them (dahdi_dynamic_loc), set up by the
exchange. The phone at the far end of the cable is a program in the box (far_hand.py) that uses the drivers alone.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

from box_story import ANSWER_S, Box, new_box

GUEST = Path(__file__).resolve().parent.parent / "guest"
SYSTEM_CONF = """\
dynamic=loc,1:0,1,0
dynamic=loc,1:1,1,0
fxoks=1
fxsks=2
loadzone=de
defaultzone=de
"""
CHANNELS = """\
[channels]
context = phones
signalling = fxo_ks
callerid = Kitchen <102>
; the phone is up for as long as somebody here wants to look at it
firstdigit_timeout = 3600000
channel => 1
"""
DIAL = """
[far]
exten => dial,1,Answer()
 same => n,System(echo '*43' > /var/spool/offhook/dial.new && mv /var/spool/offhook/dial.new /var/spool/offhook/dial)
"""
UNIT = """\
[Unit]
Description=The phone at the far end of a line
[Service]
Environment=PYTHONPATH=/usr/lib/offhook:/etc/far-hand
ExecStart=/usr/bin/python3 -B /etc/far-hand/hand.py
StandardError=journal+console
[Install]
WantedBy=multi-user.target
"""
BOOT = {
    r"U-Boot \d": "U-Boot",
    "starting slot A": "kernel chosen",
    r"far hand: dial tone, ([\d.]+ s)": "dial tone; by the box's clock, from the kernel on: ",
    r"ready: calls can be made ([\d.]+ s)": "calls can be made, this start is a good one; by the box's clock: ",
}
CALLS = 5
"""So often the phone may call: sound has gaps where a board is emulated on a busy machine, and digits get lost."""
PLACE = "/etc/systemd/system/far-hand.service"
SYSTEM = {
    PLACE: UNIT,
    "/etc/modules-load.d/lines.conf": "dahdi_dynamic_loc\n",
    "/etc/far-hand/hand.py": Path(__file__).with_name("far_hand.py").read_text(),
    "/etc/far-hand/guest/__init__.py": "",
    **{f"/etc/far-hand/guest/{name}": (GUEST / name).read_text() for name in ("dahdi_kernel.py", "hearing.py")},
}


def test_a_phone_on_a_line_has_dial_tone_and_calls() -> None:
    with new_box() as box:
        box.provision()
        plan = (box.machine.data() / "etc/extensions.conf").read_text()
        box.machine.put_on_data(
            {
                "/etc/dahdi/system.conf": SYSTEM_CONF,
                "/etc/chan_dahdi.conf": CHANNELS,
                "/etc/extensions.conf": plan + DIAL,
            }
        )
        box.machine.put_in_system(SYSTEM, {"/etc/systemd/system/multi-user.target.wants/far-hand.service": PLACE})
        console = box.start(login=False)
        expected = dict(BOOT)
        while expected:
            found = console.expect(*expected)
            what = expected.pop(next(pattern for pattern in expected if re.fullmatch(pattern, found[0])))
            box.timeline.append((f"{what}{found[1] if found.re.groups else ''}", console.elapsed()))
        box.tell_timeline()
        box.log_in()
        shown = box.ask("lines")
        assert re.search(r"^ +1 fxo_ks +dial tone +none ", shown, re.MULTILINE), shown
        assert max(map(len, shown.splitlines())) <= 80
        status, told = box.diagnose("lines")
        assert status == 0 and re.search(r"^ +1 fxo_ks +dial tone", told, re.MULTILINE), told
        print(f"\n{shown}")
        levels = bundled(box, "levels.csv").splitlines()[1:]
        # Not in each second: an emulated board on a busy machine has gaps in its sound.
        assert any(re.fullmatch(r"\d+,DAHDI/1,-\d\S+,-(9|[12]\d)\.\d", line) for line in levels), levels
        assert "Line DAHDI/1" in bundled(box, "index.html")
        ladder = traced_call(box)
        print(f"\n{ladder}")
        for rung in (r"DAHDI/1-1 +\* +phones,\*43,1 Answer", r"DAHDI/1 +--> on hook", r"DAHDI/1-1 +\* +ends"):
            assert re.search(rung, ladder), ladder
        assert re.search(r"^ +1 fxo_ks +idle", box.ask("lines"), re.MULTILINE)


def bundled(box: Box, name: str) -> str:
    """A file of the support bundle."""
    with tarfile.open(fileobj=io.BytesIO(box.fetch("bundle")), mode="r:gz") as archive:
        file = archive.extractfile(f"offhook-bundle/{name}")
        assert file is not None
        return file.read().decode()


def traced_call(box: Box) -> str:
    """The ladder of a call that the phone makes to the echo test, in which it hears itself."""
    assert box.console is not None
    for _ in range(CALLS):
        words = box.ssh_command("trace DAHDI/1 180")
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as trace:
            assert trace.stdout is not None
            told = trace.stdout.readline()
            assert told.startswith("waiting for a call"), told
            box.console.type("channel originate Local/dial@far application Wait 1")
            ended = box.console.expect(r"far hand: (hears|does not hear) itself at \*43")
            told += trace.communicate(timeout=ANSWER_S)[0]
        if ended[1] == "hears":
            return told
        box.console.expect("far hand: dial tone")
    raise AssertionError(f"{CALLS} calls, none heard itself; the last was:\n{told}")
