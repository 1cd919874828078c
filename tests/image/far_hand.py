"""Runs in a box, on the far end of a line's cable: a phone whose handset is up before the exchange is there.

It tells at the serial port when it hears dial tone. When ORDER appears it dials the number in it, speaks, puts the
handset down, and tells whether it heard itself.
"""

from __future__ import annotations

import time
from pathlib import Path

from guest.dahdi_kernel import Event, Hook, Line, lines
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


def heard(phone: Line, number: str) -> bool:
    """Dial, speak, and listen for what comes back, for a minute: a greeting is said first."""
    phone.dial(f"T{number}")
    phone.expect(Event.DIALCOMPLETE, 30)
    said = sound.encode(sound.tone((VOICE,), 3000), "ulaw")
    return any(hears(sound.decode(talk(3.0, (phone, said))[0], "ulaw"), VOICE) for _ in range(20))


def serve(phone: Line) -> None:
    """Dial what is ordered until it is heard; sound has gaps where a board is emulated, and digits get lost in them."""
    done = False
    while not done:
        phone.hook(Hook.OFF)
        while not hears(hear(phone, 1.0), DIAL_TONE):
            pass
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        say(f"dial tone, {uptime:.1f} s after the kernel started")
        while not ORDER.exists():
            hear(phone, 0.5)
        number = ORDER.read_text().strip()
        ORDER.unlink()
        done = heard(phone, number)
        phone.hook(Hook.ON)
        time.sleep(2)
        say(f"{'hears' if done else 'does not hear'} itself at {number}")


while not set_up():
    time.sleep(0.1)
with lines(CHANNEL) as (phone,):
    serve(phone)
