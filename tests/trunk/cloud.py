"""A cloud in network namespaces: a box behind a NAT, two Kamailio servers and a name server beyond it.

    box 192.168.77.2 --- 192.168.77.1 nat 198.51.100.1 --- cloud 198.51.100.53 (DNS), .10 and .11 (Kamailio, TLS)

Everything lives in namespaces that are made and taken away here. Needs root, ip, nft and kamailio.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from support.certificates import write_certificates

DOMAIN = "sip.cloud.test"
SERVERS = ("198.51.100.10", "198.51.100.11")
NAME_SERVER = "198.51.100.53"
BOX = "192.168.77.2"
HERE = Path(__file__).resolve().parent

KAMAILIO = """\
#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=1
tcp_children=2
enable_tls=yes
disable_tcp=no
tcp_connection_lifetime=3605
tcp_accept_no_cl=yes
tcp_crlf_ping=yes
listen=tls:{address}:5061
listen=udp:{address}:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
loadmodule "auth.so"
loadmodule "tls.so"
modparam("tls", "certificate", "{folder}/server.pem")
modparam("tls", "private_key", "{folder}/server.key")
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "verify_certificate", 0)
modparam("registrar", "received_avp", "$avp(received)")
modparam("nathelper", "received_avp", "$avp(received)")
request_route {{
    if (is_method("REGISTER")) {{
        if (!pv_auth_check("$fd", "of-box", "0", "0")) {{
            auth_challenge("$fd", "0");
            exit;
        }}
        fix_nated_register();
        xlog("L_NOTICE", "REGISTERED $fU from $si:$sp at {address}\\n");
        save("location");
        exit;
    }}
    if (is_method("OPTIONS")) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    if (has_totag()) {{
        if (loose_route() || is_method("ACK")) {{
            t_relay();
            exit;
        }}
        sl_send_reply("481", "No such call");
        exit;
    }}
    if (is_method("CANCEL")) {{
        t_relay();
        exit;
    }}
    if (is_method("INVITE")) {{
        record_route();
        if ($rU =~ "^box") {{
            if (!lookup("location")) {{
                sl_send_reply("480", "Not registered");
                exit;
            }}
        }} else if ($rU =~ "^\\+4999") {{
            $du = "sip:{peer}:5080";
        }} else {{
            $du = "sip:{peer}:5070";
        }}
        t_relay();
        exit;
    }}
    sl_send_reply("404", "Not here");
}}
"""


def run(*command: object, check: bool = True) -> str:
    """Run a command and return what it says."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def missing() -> str:
    """What is missing here, "" when nothing is."""
    if os.geteuid() != 0:
        return "root is needed to make network namespaces"
    needed = {
        "ip": "iproute2",
        "nft": "nftables",
        "sipp": "sip-tester",
        "kamailio": "kamailio kamailio-tls-modules",
    }
    for program, package in needed.items():
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            return f"{program} is missing: apt-get install {package}"
    return ""


class Cloud:
    """The namespaces and what runs in them; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tag = str(os.getpid())
        self.box, self.nat, self.cloud = (f"oh{name}{tag}" for name in ("b", "n", "c"))
        self._links = [f"ohv{number}-{tag[-6:]}" for number in range(4)]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def inside(self, namespace: str, *command: object) -> list[str]:
        """The command line that runs something in a namespace."""
        return ["ip", "netns", "exec", namespace, *map(str, command)]

    def __enter__(self) -> Cloud:
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self) -> None:
        for namespace in (self.box, self.nat, self.cloud):
            run("ip", "netns", "add", namespace)
            run(*self.inside(namespace, "ip", "link", "set", "lo", "up"))
        a, b, c, d = self._links
        run("ip", "link", "add", a, "netns", self.box, "type", "veth", "peer", "name", b, "netns", self.nat)
        run("ip", "link", "add", c, "netns", self.nat, "type", "veth", "peer", "name", d, "netns", self.cloud)
        self._address(self.box, a, f"{BOX}/24")
        self._address(self.nat, b, "192.168.77.1/24")
        self._address(self.nat, c, "198.51.100.1/24", "198.51.100.2/24")
        self._address(self.cloud, d, *(f"{address}/24" for address in (*SERVERS, NAME_SERVER)))
        run(*self.inside(self.box, "ip", "route", "add", "default", "via", "192.168.77.1"))
        run(*self.inside(self.nat, "sysctl", "-qw", "net.ipv4.ip_forward=1"))
        self._nft("add table ip oh")
        self._nft("add chain ip oh post { type nat hook postrouting priority 100 ; }")
        self._nft("add chain ip oh forward { type filter hook forward priority 0 ; }")
        self.translate("198.51.100.1")
        write_certificates(self.folder, DOMAIN)
        self._start("dns", sys.executable, HERE / "name_server.py", NAME_SERVER)
        for number in range(len(SERVERS)):
            self.start_server(number)

    def _address(self, namespace: str, link: str, *addresses: str) -> None:
        for address in addresses:
            run(*self.inside(namespace, "ip", "address", "add", address, "dev", link))
        run(*self.inside(namespace, "ip", "link", "set", link, "up"))

    def _nft(self, rule: str) -> None:
        run(*self.inside(self.nat, "nft", rule))

    def _start(self, name: str, *command: object) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(self.inside(self.cloud, *command), stdout=log, stderr=log)

    def start_server(self, number: int) -> None:
        """Start a Kamailio."""
        folder = self.folder / f"kamailio{number}"
        folder.mkdir(exist_ok=True)
        config = folder / "kamailio.cfg"
        config.write_text(KAMAILIO.format(address=SERVERS[number], folder=self.folder, peer=NAME_SERVER))
        self._start(
            f"kamailio{number}",
            "kamailio",
            "-DD",
            "-E",
            "-f",
            config,
            "-Y",
            folder,
            "-w",
            folder,
            "-m",
            "16",
            "-M",
            "4",
        )
        address = f"{SERVERS[number]}:5061"
        until(lambda: address in run(*self.inside(self.cloud, "ss", "-ltn")), f"Kamailio listens on {address}")

    def phone(self, *arguments: object) -> subprocess.Popen[bytes]:
        """A SIPp beside the servers, without audio."""
        address = ("-i", NAME_SERVER, "-p", 5070, "-nostdin", "-timeout", 40)
        command = self.inside(self.cloud, "sipp", *address, *arguments)
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop_server(self, number: int) -> None:
        """End a Kamailio as a crash would."""
        process = self._processes.pop(f"kamailio{number}")
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()

    def server_log(self, number: int) -> str:
        """What a Kamailio has said."""
        return (self.folder / f"kamailio{number}.log").read_text(errors="replace")

    # ---- what befalls the network -------------------------------------------------------------------

    def outage(self, on: bool) -> None:
        """Beyond the NAT nothing gets through, and nobody is told."""
        self._nft("flush chain ip oh forward")
        if on:
            self._nft("add rule ip oh forward drop")

    def loss(self, percent: int) -> None:
        """So many packets of a hundred are lost, both ways."""
        self._nft("flush chain ip oh forward")
        if percent:
            self._nft(f"add rule ip oh forward numgen random mod 100 < {percent} drop")

    def translate(self, address: str) -> None:
        """The NAT's outside address from now on; bindings of before are gone."""
        self._nft("flush chain ip oh post")
        self._nft(f"add rule ip oh post oifname {self._links[2]} snat to {address}")

    def rebind(self, address: str) -> None:
        """The NAT forgets every binding, as after a power cut, and has another address."""
        self.outage(True)
        run(*self.inside(self.nat, "nft", "delete table ip oh"))
        run(*self.inside(self.nat, "sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=0"), check=False)
        self._nft("add table ip oh")
        self._nft("add chain ip oh post { type nat hook postrouting priority 100 ; }")
        self._nft("add chain ip oh forward { type filter hook forward priority 0 ; }")
        outside = self._links[2]
        old = "198.51.100.1" if address != "198.51.100.1" else "198.51.100.2"
        # Without a tool that deletes bindings: what still uses the old ones is dropped.
        self._nft(f"add rule ip oh forward ct original ip daddr {SERVERS[0]} ct reply ip daddr {old} drop")
        self._nft(f"add rule ip oh forward ct original ip daddr {SERVERS[1]} ct reply ip daddr {old} drop")
        self._nft(f"add rule ip oh post oifname {outside} snat to {address}")

    def unplug(self) -> None:
        """The box's cable is pulled."""
        run(*self.inside(self.box, "ip", "link", "set", self._links[0], "down"))

    def plug(self, address: str = BOX) -> None:
        """And put back, perhaps with another address."""
        link = self._links[0]
        run(*self.inside(self.box, "ip", "address", "flush", "dev", link))
        run(*self.inside(self.box, "ip", "address", "add", f"{address}/24", "dev", link))
        run(*self.inside(self.box, "ip", "link", "set", link, "up"))
        run(*self.inside(self.box, "ip", "route", "replace", "default", "via", "192.168.77.1"))

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
        for namespace in (self.box, self.nat, self.cloud):
            run("ip", "netns", "del", namespace, check=False)


def until(condition, what: str, seconds: float = 60) -> float:
    """Wait for a condition; how long it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - began
