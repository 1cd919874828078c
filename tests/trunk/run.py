#!/usr/bin/env python3
"""The trunk against two Kamailios beyond a NAT, in network namespaces of its own: run.py [--short]

Prints how long the trunk took to come back after each kind of trouble, counted from the moment at which the way is
there again. Fails when a step fails; the times are printed and not judged, for they depend on the machine.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from cloud import BOX, DOMAIN, NAME_SERVER, SERVERS, Cloud, missing, until  # noqa: E402

from support.daemon import Daemon  # noqa: E402

TRUNK = f"""\
[cloud]
host = {DOMAIN}
username = box
password = of-box
ca_file = {{folder}}/ca.pem
keepalive = 25
media_encryption = no
expires = 60
calls = 2
destinations = +49*

[secret]
host = {DOMAIN}
username = box
password = of-box
ca_file = {{folder}}/ca.pem
register = no
silence = 2

[plain]
host = {DOMAIN}
username = box
password = of-box
ca_file = {{folder}}/ca.pem
register = no
media_encryption = no
calls = 1
prices = +49: 0.10
silence = 2
"""
GOAL_S = 5.0
"""Registered again after the way is there again; printed and not judged, for a busy machine is slower."""
RESOLVER = f"[general]\nnameserver = {NAME_SERVER}\nhosts =\n"
PJSIP = "[local]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{sip}\n"
FAR_PJSIP = f"""\
[udp]
type = transport
protocol = udp
bind = {NAME_SERVER}:5080
[anonymous]
type = endpoint
context = default
disallow = all
allow = alaw
media_encryption = sdes
rtp_symmetric = yes
media_address = {NAME_SERVER}
bind_rtp_to_media_address = yes
"""
FAR_EXTENSIONS = "[default]\nexten => _+X.,1,Answer()\n same => n,Echo()\n"
EXTENSIONS = """\
[default]
exten => 600,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
exten => box,1,Verbose(0,called from the cloud by ${CHANNEL(endpoint)})
 same => n,Answer()
 same => n,Wait(1)
 same => n,Hangup()
"""


class PlacedDaemon(Daemon):
    """A daemon in one of the cloud's namespaces."""

    def __init__(self, root: Path, files: dict[str, str], cloud: Cloud, namespace: str) -> None:
        self._cloud, self._namespace = cloud, namespace
        super().__init__(root, files)

    @property
    def command(self) -> list[str]:
        """As Daemon, inside the namespace."""
        return self._cloud.inside(self._namespace, *super().command)


class Story:
    """What happens to one trunk, and how long it takes to come back."""

    def __init__(self, cloud: Cloud, daemon: PlacedDaemon) -> None:
        self.cloud = cloud
        self.daemon = daemon
        self.times: dict[str, list[float]] = {}

    def registered(self, number: int) -> int:
        """How often a server has accepted the box."""
        return self.cloud.server_log(number).count("REGISTERED box")

    def up(self) -> bool:
        return " up " in self.daemon.cli("trunk show")

    def total(self) -> int:
        return sum(self.registered(number) for number in range(len(SERVERS)))

    def comes_back(self, what: str, *, seconds: float = 60) -> None:
        """Wait for a registration that was not there when this began; note how long it took."""
        took = until(lambda: self.total() > self.before, f"registered again after: {what}", seconds)
        self.times.setdefault(what, []).append(took)
        until(self.up, "the trunk says that it is up", 10)
        print(f"  {what:<44} {took:5.2f} s", flush=True)

    def mark(self) -> None:
        self.before = self.total()

    # ---- the story ----------------------------------------------------------------------------------

    def begin(self) -> None:
        until(lambda: self.registered(0) > 0, "registered with the first server", 30)
        until(self.up, "the trunk says that it is up")
        source = re.search(r"from ([\d.]+):", self.cloud.server_log(0))
        assert source is not None and source[1] == "198.51.100.1", "the NAT is between"
        assert (
            "5061"
            not in subprocess.run(
                self.cloud.inside(self.cloud.box, "ss", "-ltn"), capture_output=True, text=True, check=True
            ).stdout
        ), "no port is open for the trunk"

    def local_calls_go_on(self) -> None:
        said = self.daemon.cli("channel originate Local/600@default application Wait 1")
        assert "failed" not in said.lower(), said

    def outage(self, seconds: float) -> None:
        self.cloud.outage(True)
        time.sleep(seconds)
        self.local_calls_go_on()
        self.mark()
        self.cloud.outage(False)
        self.comes_back(f"the WAN was away for {seconds:.0f} s")

    def address_change(self, address: str) -> None:
        self.cloud.unplug()
        time.sleep(2)
        self.mark()
        self.cloud.plug(address)
        self.comes_back("the cable was pulled; another address" if address != BOX else "the cable was pulled")

    def rebind(self, address: str) -> None:
        self.cloud.rebind(address)
        self.mark()
        self.comes_back("the NAT forgot its bindings")

    def failover(self) -> None:
        self.mark()
        self.cloud.stop_server(0)
        self.comes_back("the first server died")
        assert self.registered(1) > 0, "the second server took over"

    def lossy(self, percent: int) -> None:
        self.cloud.loss(percent)
        self.mark()
        self.daemon.cli("pjsip send register cloud")
        self.comes_back(f"registering with {percent} % of packets lost")
        self.cloud.loss(0)

    def commands(self) -> None:
        said = self.daemon.cli("trunk test cloud")
        assert "Registration: accepted" in said, said
        print("  " + said.strip().replace("\n", "\n  "))
        shown = self.daemon.cli("trunk show cloud")
        assert "Connection:   TLS:198.51.100.1" in shown, shown
        refused = self.daemon.cli("channel originate PJSIP/+1555@cloud application Wait 1", check=False)
        until(lambda: "calls to +1555 are not among those allowed" in self.daemon.log(), f"refused: {refused}", 10)

    def calls(self) -> None:
        """A call out that nobody speaks in, beyond the limit, and a call in over the connection we registered over."""
        phone = self.cloud.phone("-sf", HERE / "answer.xml", "-m", 1)
        self.daemon.cli("channel originate PJSIP/+49301@plain application Wait 6")
        until(lambda: "no audio from the cloud in PJSIP/plain" in self.daemon.log(), "the silent side is named", 20)
        shown = self.daemon.cli("trunk show plain")
        assert "Calls:        1 of 1" in shown, shown
        assert ", 0 packets from the cloud, no audio from the cloud" in shown, shown
        self.daemon.cli("channel originate PJSIP/+49302@plain application Wait 1", check=False)
        until(lambda: "trunk plain: 1 calls go on already" in self.daemon.log(), "the second call is refused", 10)
        until(lambda: "Calls:        0 of 1" in self.daemon.cli("trunk show plain"), "the call is over", 20)
        phone.wait(30)
        shown = self.daemon.cli("trunk show plain")
        assert "Spent today:  0.10" in shown, shown
        server = next(number for number in range(len(SERVERS)) if self.registered(number))
        caller = self.cloud.phone("-sn", "uac", "-m", 1, "-d", 500, "-s", "box", f"{SERVERS[server]}:5060")
        until(lambda: "called from the cloud by cloud" in self.daemon.log(), "a call comes in", 20)
        caller.wait(30)
        print("  calls: out, silent, limited, charged, in")

    def encrypted_call(self, far: PlacedDaemon) -> None:
        """A call over TLS and SRTP to an exchange that echoes: audio both ways, so that nobody is called silent."""
        self.daemon.cli("channel originate PJSIP/+49991@secret application Playback tt-monkeys")
        until(lambda: "Echo" in far.cli("core show channels concise"), "the far end answers", 20)

        def heard() -> bool:
            shown = self.daemon.cli("trunk show secret")
            packets = re.search(r"Call: .* (\d+) packets from the cloud$", shown, re.MULTILINE)
            return packets is not None and int(packets[1]) >= 50

        until(heard, "encrypted audio comes back", 15)
        self.daemon.cli("channel request hangup all")
        until(lambda: "Calls:        0 of" in self.daemon.cli("trunk show secret"), "the call is over", 20)
        print("  a call over TLS and SRTP has audio both ways")

    def report(self) -> None:
        every = [took for times in self.times.values() for took in times]
        print(f"recovery: median {statistics.median(every):.2f} s, worst {max(every):.2f} s of {len(every)}", end="")
        print(f"; the goal is {GOAL_S:.0f} s{'' if max(every) < GOAL_S else ', MISSED'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="each trouble once")
    short = parser.parse_args().short
    if reason := missing():
        print(f"the trunk is not tested: {reason}", file=sys.stderr)
        return 2
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    with tempfile.TemporaryDirectory(prefix="oh-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        files = {
            "trunk.conf": TRUNK.format(folder=folder),
            "resolver_unbound.conf": RESOLVER,
            "pjsip.conf": PJSIP,
            "extensions.conf": EXTENSIONS,
        }
        with Cloud(folder) as cloud:
            daemon = PlacedDaemon(folder / "box", files, cloud, cloud.box)
            far_files = {"pjsip.conf": FAR_PJSIP, "extensions.conf": FAR_EXTENSIONS}
            far = PlacedDaemon(folder / "far", far_files, cloud, cloud.cloud)
            try:
                with daemon, far:
                    story = Story(cloud, daemon)
                    daemon.cli("pjsip set logger on")
                    story.begin()
                    story.commands()
                    story.calls()
                    story.encrypted_call(far)
                    story.address_change("192.168.77.9")
                    story.address_change(BOX)
                    for seconds in (7,) if short else (6, 8, 13, 20, 31, 45, 90):
                        story.outage(seconds)
                    addresses = ("198.51.100.2", "198.51.100.1")
                    for count in range(1 if short else 8):
                        # At any moment of the time between two looks at the connection.
                        time.sleep(0.35 * count)
                        story.rebind(addresses[count % 2])
                    story.lossy(20)
                    story.failover()
                    story.report()
            except BaseException:
                print(daemon.told(), file=sys.stderr)
                if keep := os.environ.get("TRUNK_LOGS"):
                    subprocess.run(["cp", "-r", str(folder), keep], check=False)
                for number in range(len(SERVERS)):
                    print(cloud.server_log(number)[-1500:], file=sys.stderr)
                raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
