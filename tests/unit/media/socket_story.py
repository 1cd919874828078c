"""What test_sockets runs in a process and network namespace of its own: prints what it saw as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "host"))

from offhook.media import Engine, EngineError, RtpLeg, Settings, format_named
from offhook.media.marking import Marking

ULAW = format_named("ulaw")
PACKETS = 25


def descriptors() -> int:
    """Open descriptors of this process, but for the one that counts them."""
    return len(os.listdir("/proc/self/fd")) - 1


def packet(number: int) -> bytes:
    """An RTP packet of 20 ms."""
    return struct.pack("!BBHII", 0x80, 0, number, number * 160, 42) + bytes([number]) * 160


class Far:
    """A socket that speaks to a leg."""

    def __init__(self, host: str, leg: RtpLeg) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        while True:  # an RTP port whose neighbour is free for RTCP
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
            self.socket.bind((host, 0))
            self.port = self.socket.getsockname()[1]
            self.control = socket.socket(family, socket.SOCK_DGRAM)
            try:
                self.control.bind((host, self.port + 1))
                break
            except OSError:
                self.close()
        self.socket.setblocking(False)
        self.control.setblocking(False)
        self.to = (host, leg.local_port)
        leg.set_codecs({0: ULAW}, (0, ULAW), (101, 8000))
        leg.set_remote(host, self.port)
        leg.set_options(rtcp_interval=0.3)

    def close(self) -> None:
        """Give the ports back."""
        self.socket.close()
        self.control.close()

    @staticmethod
    def take(one: socket.socket) -> list[tuple[bytes, Any]]:
        """Everything that has arrived."""
        found = []
        while True:
            try:
                found.append(one.recvfrom(2048))
            except BlockingIOError:
                return found

    @classmethod
    async def collect(cls, one: socket.socket, count: int) -> list[tuple[bytes, Any]]:
        """What arrives until that many packets are here; fewer when nothing more comes for a while."""
        found = cls.take(one)
        for _ in range(300):
            if len(found) >= count:
                break
            await asyncio.sleep(0.01)
            found += cls.take(one)
        return found


async def settle(engine: Engine, ticks: int = 6) -> None:
    """Wait until what was ordered has been done: a few ticks, or an engine at rest."""
    target, seen, still = engine.figures().ticks + ticks, -1, 0
    while engine.figures().ticks < target and still < 15:
        still = still + 1 if engine.figures().ticks == seen else 0
        seen = engine.figures().ticks
        await asyncio.sleep(0.01)


async def gone(engine: Engine) -> None:
    """Wait until closed legs have left and given their descriptors back, however slow the machine.

    That a leg has ended is told within ten ticks, that it can be freed within ten more. Whatever stays is counted
    later.
    """
    before = -1
    for _ in range(500):
        await settle(engine, 25)
        now = descriptors()
        if not engine.figures().legs and now == before:
            return
        before = now


def has_ipv6() -> bool:
    """Whether ::1 can be bound."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def call(engine: Engine, host: str, wildcard: str) -> dict[str, Any]:
    """One party speaks to another, then hears its own echo."""
    one, two = engine.rtp_leg(wildcard), engine.rtp_leg(host)
    left, right = Far(host, one), Far(host, two)
    one.connect(two)
    await settle(engine)
    for number in range(PACKETS):
        left.socket.sendto(packet(number), left.to)
        await asyncio.sleep(0.01)
    got = await Far.collect(right.socket, PACKETS)
    payloads = [data[12:] for data, _ in got]
    assert payloads == [packet(number)[12:] for number in range(PACKETS)], len(payloads)
    one.disconnect()
    with one.loopback():
        await settle(engine)
        for number in range(PACKETS):
            left.socket.sendto(packet(PACKETS + number), left.to)
            await asyncio.sleep(0.01)
        echo = len(await Far.collect(left.socket, PACKETS))
        reports = await Far.collect(left.control, 1)
    for each in (one, two):
        each.close()
    left.close()
    right.close()
    return {
        "received": len(got),
        "from_port": got[0][1][1] if got else 0,
        "port": two.local_port,
        "echo": echo,
        "rtcp": len(reports),
    }


async def crowd(engine: Engine, parties: int) -> dict[str, Any]:
    """Parties come one after the other, each speaks and hears its echo; all of them speak at once in the end."""
    legs: list[RtpLeg] = []
    fars: list[Far] = []
    before = descriptors()
    sockets = 2 * parties
    for number in range(parties):
        leg = engine.rtp_leg("127.0.0.1")
        legs.append(leg)
        fars.append(Far("127.0.0.1", leg))
        with leg.loopback():
            await settle(engine)
            fars[-1].socket.sendto(packet(number), fars[-1].to)
            await Far.collect(fars[-1].socket, 1)
    with contextlib.ExitStack() as echoes:
        for leg in legs:
            echoes.enter_context(leg.loopback())
        await settle(engine)
        for number, far in enumerate(fars):
            Far.take(far.socket)
            far.socket.sendto(packet(number), far.to)
        await settle(engine)
        own = [[data[12] for data, _ in await Far.collect(far.socket, 1)] for far in fars]
    seen = {
        "own_echo": own == [[number] for number in range(parties)],
        "ports": len({leg.local_port for leg in legs}),
        "descriptors": descriptors() - before - sockets,
    }
    for leg, far in zip(legs, fars, strict=True):
        leg.close()
        far.close()
    return seen


def priorities() -> set[int]:
    """Of all sockets of this process."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        if Path(f"/proc/self/fd/{name}").is_socket():
            with socket.socket(fileno=os.dup(int(name))) as one:
                found.add(one.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY))
    return found


async def first_class(one: socket.socket, family: str) -> int | None:
    """The type of service, or traffic class, of the first packet that arrives."""
    for _ in range(300):
        with contextlib.suppress(BlockingIOError):
            _, [(_, kind, data)], _, _ = one.recvmsg(2048, 64)
            assert kind == (socket.IP_TOS if family == "IPv4" else socket.IPV6_TCLASS)
            return int.from_bytes(data, sys.byteorder)
        await asyncio.sleep(0.01)
    return None


MARKINGS = (Marking(), Marking(184, 5), Marking(0, 3), Marking(136)) * 2


async def marked(engine: Engine, host: str, wildcard: str, family: str) -> dict[str, Any]:
    """Parties whose packets are marked in different ways hear their echo; what RTP and RTCP come with."""
    legs = [engine.rtp_leg(wildcard, marking=marking) for marking in MARKINGS]
    fars = [Far(host, leg) for leg in legs]
    option = (socket.IPPROTO_IP, 13) if family == "IPv4" else (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS)
    seen: dict[str, Any] = {"rtp": []}
    for number, (leg, far) in enumerate(zip(legs, fars, strict=True)):
        for one in (far.socket, far.control):
            one.setsockopt(*option, 1)  # 13: IP_RECVTOS, which socket has no name for
        with leg.loopback():
            await settle(engine)
            far.socket.sendto(packet(number), far.to)
            seen["rtp"].append(await first_class(far.socket, family))
    seen["rtcp"] = [await first_class(far.control, family) for far in fars]
    seen["priorities"] = sorted(priorities())
    for leg, far in zip(legs, fars, strict=True):
        leg.close()
        far.close()
    return seen


async def main(mode: str) -> dict[str, Any]:
    """The whole story."""
    first = descriptors()
    engine = Engine(settings=Settings(socket_mode=mode, port_low=20000, port_high=24998))  # type: ignore[arg-type]
    try:
        engine.start()
    except EngineError as error:
        return {"refused": str(error)}
    seen: dict[str, Any] = {"mode": engine.figures().mode, "first_descriptors": first}
    places = {"IPv4": ("127.0.0.1", "0.0.0.0")}
    if has_ipv6():
        places["IPv6"] = ("::1", "::")
    seen["calls"] = {family: await call(engine, *hosts) for family, hosts in places.items()}
    await gone(engine)
    seen["crowd"] = await crowd(engine, 10)
    await gone(engine)
    seen["marked"] = {family: await marked(engine, *hosts, family) for family, hosts in places.items()}
    await gone(engine)
    seen["descriptors_before"] = descriptors()
    seen["legs_made"] = 0
    for _ in range(10):
        legs = [engine.rtp_leg("127.0.0.1") for _ in range(100)]
        seen["legs_made"] += len(legs)
        for one, two in zip(legs[::2], legs[1::2], strict=True):
            one.connect(two)
        await settle(engine)
        seen["descriptors_with_legs"] = descriptors()
        for leg in legs:
            leg.close()
        await gone(engine)
    seen["descriptors_after"] = descriptors()
    seen["legs_after"] = engine.figures().legs
    engine.stop()
    seen["stopped_descriptors"] = descriptors()
    seen["threads_after"] = len(os.listdir("/proc/self/task"))
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1]))))
