"""A board without a clock: it begins in 1970, and its time jumps. Phones stay registered, the trunk's TLS holds."""

from __future__ import annotations

import asyncio
import datetime
import time

from box_story import ANSWER_S, new_box
from power_cuts import FILES, SECRET
from registrar import EXPIRES, GATEWAY, Registrar

from cross import rootfs
from offhook.sip.message import Request, Response
from support.certificates import DAY, write_certificates
from support.manager import ManagerClient
from support.sip_peer import UdpPeer

JUMPS_S = (400 * 86400, -399 * 86400, 40 * 86400)
"""Further than any registration lasts, forward and back; never behind the image's own date."""
UNIT = """\
[Unit]
Description=Sets the clock whenever the test says so
[Service]
ExecStart=/bin/sh /etc/clock-jumps
[Install]
WantedBy=multi-user.target
"""
SCRIPT = """\
for jump in {jumps}; do
  until [ -e /var/spool/offhook/jump ]; do sleep 1; done
  rm /var/spool/offhook/jump
  date -s "@$(( $(date +%s) + jump ))" > /dev/null
  echo "clock-jumps: it is now $(date +%s)" > /dev/console
done
"""
TRUNK = f"""\
[cloud]
host = {GATEWAY}:{{port}}
username = box
password = of-the-box
ca_file = /etc/offhook/ca.pem
expires = {EXPIRES}
"""
JUMP = "Local/jump@clock"
EXTENSIONS = """
[clock]
exten => jump,1,Answer()
 same => n,System(touch /var/spool/offhook/jump)
 same => n,Wait(1)
"""


class Phone(UdpPeer):
    """A phone that is registered once, for a day, and counts who calls it."""

    def __init__(self, server: tuple[str, int]) -> None:
        super().__init__(server)
        self.calls = 0
        self.answer = self._answer  # type: ignore[method-assign, assignment]

    def _answer(self, request: Request) -> Response | None:
        if request.method == "INVITE":
            self.calls += 1
            return request.response(486)
        return request.response(200) if request.method == "OPTIONS" else None

    async def log_in(self) -> None:
        contact = ("Contact", f"<{self.uri('100')}>")
        request = self.request("REGISTER", "100", contact, ("Expires", "86400"))
        answer = await self.exchange(request, "a phone's secret", seconds=ANSWER_S)
        assert answer.status == 200, answer.to_bytes().decode()


async def is_called(phone: Phone, manager: ManagerClient) -> None:
    """The exchange reaches the phone by what it was registered with."""
    before = phone.calls
    call = {"Channel": "PJSIP/100", "Application": "Wait", "Data": "1", "Async": "true"}
    await asyncio.to_thread(manager.action, "Originate", ANSWER_S, **call)
    deadline = time.monotonic() + ANSWER_S
    while phone.calls == before:
        assert time.monotonic() < deadline, "no call reaches the phone"
        await asyncio.sleep(0.2)


async def story() -> None:
    begins = datetime.datetime.fromtimestamp(rootfs.epoch(), datetime.UTC)
    with new_box() as box:
        write_certificates(box.machine.folder, GATEWAY, begins - DAY, 3650 * DAY)
        with Registrar(box.machine.folder) as registrar:
            await asyncio.to_thread(box.provision)
            files = {
                **{f"/etc/{name}": text for name, text in FILES.items()},
                "/etc/extensions.conf": FILES["extensions.conf"] + EXTENSIONS,
                "/etc/trunk.conf": TRUNK.format(port=registrar.port),
                "/etc/ca.pem": (box.machine.folder / "ca.pem").read_text(),
            }
            box.machine.put_on_data(files)
            script = SCRIPT.format(jumps=" ".join(map(str, JUMPS_S)))
            unit = "/etc/systemd/system/clock-jumps.service"
            wants = "/etc/systemd/system/multi-user.target.wants/clock-jumps.service"
            box.machine.put_in_system({"/etc/clock-jumps": script, unit: UNIT}, {wants: unit})
            console = box.start(login=False, clock="1970-01-01T00:00:00")
            await asyncio.to_thread(box.until_ready)
            registrar.until(1, ANSWER_S)
            manager = ManagerClient("127.0.0.1", box.manager, "test", SECRET)
            phone = await Phone(("127.0.0.1", box.sip)).start()
            assert isinstance(phone, Phone)
            await phone.log_in()
            await is_called(phone, manager)
            for jump in JUMPS_S:
                await asyncio.to_thread(
                    manager.action, "Originate", ANSWER_S, Channel=JUMP, Application="Wait", Data="1"
                )
                told = await asyncio.to_thread(console.expect, r"clock-jumps: it is now (\d+)\s")
                assert int(told[1]) >= rootfs.epoch(), "no time from before the image was made"
                # By the connection of before, and by one that checks the certificate at the new time.
                seen, connections = registrar.registered, registrar.connections
                await asyncio.to_thread(registrar.until, seen + 1, ANSWER_S)
                registrar.drop()
                await asyncio.to_thread(registrar.until, seen + 2, ANSWER_S)
                assert registrar.connections > connections
                await is_called(phone, manager)
                when = datetime.datetime.fromtimestamp(int(told[1]), datetime.UTC)
                print(
                    f"after a jump of {jump // 86400} days, to {when:%Y-%m-%d}: phone and trunk as before", flush=True
                )
            phone.close()
            manager.close()


def test_registrations_and_tls_outlive_every_jump_of_the_clock() -> None:
    asyncio.run(story())
