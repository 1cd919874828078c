"""What people at simulated phones do with each other, and what they hear."""

from __future__ import annotations

from kernel_shims.simulator import sound
from offhook.media.callerid import Call, Receiver, Waiting
from offhook.media.detecting import detect_data
from offhook.media.events import DataHeard
from support.line_story import Office


async def connect(office: Office, caller: int, called: int) -> None:
    """One phone calls another, which answers."""
    one, other = office.phone(caller), office.phone(called)
    await office.dial(one, f"10{called}")
    await office.until(lambda: other.ringing)
    other.off_hook()
    await office.advance(0.5)


async def call_for(office: Office, number: int, digits: str, seconds: float = 2) -> None:
    """Somebody dials, and hangs up after a while."""
    phone = office.phone(number)
    await office.dial(phone, digits)
    await office.advance(seconds)
    phone.on_hook()
    await office.advance(0.5)


async def consult(office: Office, caller: int, called: int) -> None:
    """One phone flashes in a call and calls another, which answers; what it holds would now be joined by a flash."""
    one, other = office.phone(caller), office.phone(called)
    one.flash()
    await office.advance(1)
    one.dial(f"10{called}")
    await office.until(lambda: other.ringing)
    other.off_hook()
    await office.advance(2.5)


async def hears(office: Office, speaker: int, listener: int, pitch: float = 900) -> bool:
    """Whether what one says arrives at the other."""
    office.phone(speaker).say(sound.tone((pitch,), 600))
    await office.advance(0.5)
    found = office.phone(listener).hears(pitch)
    await office.advance(0.5)
    return found


def heard_octets(office: Office, samples: list[int]) -> bytes:
    """The data in what was heard, by a detector of the engine's."""
    leg, far = office.engine.pipe()
    found = bytearray()
    detector = detect_data(leg)

    def heard(event: object) -> None:
        if isinstance(event, DataHeard):
            found.extend(event.octets)

    detector.on_event = heard
    path = office.folder / "heard.sln"
    path.write_bytes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    far.play(str(path))
    office.engine.advance(len(samples) // 8 + 500)
    leg.close()
    far.close()
    office.engine.advance(20)
    return bytes(found)


def heard_messages(office: Office, samples: list[int]) -> list[Call | Waiting]:
    """The messages in what was heard."""
    return Receiver().feed(heard_octets(office, samples))


def heard_data(office: Office, samples: list[int]) -> list[tuple[str | None, str | None]]:
    """The callers in what was heard."""
    return [(each.number, each.name) for each in heard_messages(office, samples) if isinstance(each, Call)]
