"""Runs in a box, on the far end of a line's cable: a phone whose handset is up before the exchange is there.

It tells at the serial port when it hears dial tone. When ORDER appears it dials the number in it, speaks, and tells
when it hears itself.
"""

from __future__ import annotations

import time
from pathlib import Path

from guest.dahdi_kernel import Event, Hook, lines
from guest.hearing import hear, hears, talk
from kernel_shims.simulator import sound

CHANNEL = 2
DIAL_TONE = 425.0
VOICE = 1000.0
ORDER = Path("/var/spool/offhook/dial")


def say(text: str) -> None:
    """At the serial port."""
    with open("/dev/console", "w", encoding="ascii") as console:
        console.write(f"far hand: {text}\n")


def set_up() -> bool:
    """Whether the exchange gave this end of the cable its signalling."""
    shown = Path(f"/proc/dahdi/{CHANNEL}")
    return shown.exists() and "FXSKS" in shown.read_text()


while not set_up():
    time.sleep(0.1)
with lines(CHANNEL) as (phone,):
    phone.hook(Hook.OFF)
    while not hears(hear(phone, 1.0), DIAL_TONE):
        pass
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    say(f"dial tone, {uptime:.1f} s after the kernel started")
    while not ORDER.exists():
        hear(phone, 0.5)
    number = ORDER.read_text().strip()
    phone.dial(f"T{number}")
    phone.expect(Event.DIALCOMPLETE)
    said = sound.encode(sound.tone((VOICE,), 3000), "ulaw")
    while not hears(sound.decode(talk(3.0, (phone, said))[0], "ulaw"), VOICE):
        pass
    say(f"hears itself at {number}")
    phone.hook(Hook.ON)
    time.sleep(1)
say("on hook")
