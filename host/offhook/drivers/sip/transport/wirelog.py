"""Watching SIP: res_pjsip_logger (messages to the log or a capture file) and res_pjsip_history (messages kept)."""

from __future__ import annotations

import logging
import socket
import struct
from collections import deque
from ipaddress import ip_address
from typing import BinaryIO, NamedTuple

from offhook.calls.pbx import Pbx
from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.drivers.sip.requests.identify import Network
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.transport.flow import Flow, host_port
from offhook.log import VERBOSE
from offhook.modules import CommandError, Module, Request

log = logging.getLogger(__name__)

logger = Module("res_pjsip_logger", "PJSIP Packet Logger", depends=("res_pjsip",), priority=20)
history = Module("res_pjsip_history", "PJSIP History", depends=("res_pjsip",), priority=20)

LOGGER = "pjsip logger"
HISTORY = "pjsip history"
KEPT = 1000
"""Messages the history keeps; older ones go."""


class WireLog:
    """Which messages are shown, and where."""

    def __init__(self, stack: SipStack) -> None:
        self._stack = stack
        self.enabled = False
        self.everything = False
        self.networks: list[Network] = []
        self.methods: set[str] = set()
        self.verbose = True
        self.capture: BinaryIO | None = None

    def attach(self, on: bool) -> None:
        """Listen to the wire, or stop: the stack copies nothing while nobody listens."""
        for listeners, listener in (
            (self._stack.on_received, self.received),
            (self._stack.on_sent, self.sent),
        ):
            if on and listener not in listeners:
                listeners.append(listener)
            elif not on and listener in listeners:
                listeners.remove(listener)
        self.enabled = on

    def received(self, data: bytes, flow: Flow) -> None:
        self._message(data, flow, sent=False)

    def sent(self, data: bytes, flow: Flow) -> None:
        self._message(data, flow, sent=True)

    def _message(self, data: bytes, flow: Flow, *, sent: bool) -> None:
        if not self._wanted(data, flow):
            return
        if self.verbose:
            kind = "response" if data.startswith(b"SIP/2.0") else "request"
            way = "Transmitting" if sent else "Received"
            towards = "to" if sent else "from"
            log.log(
                VERBOSE,
                "<--- %s SIP %s (%d bytes) %s %s:%s --->\n%s\n",
                way,
                kind,
                len(data),
                towards,
                flow.protocol,
                host_port(flow.host, flow.port),
                data.decode("utf-8", "replace").replace("\r\n", "\n"),
                extra={"verbosity": 0},
            )
        if self.capture is not None:
            local = self._stack.local_address(flow)
            far = (flow.host, flow.port)
            self.capture.write(packet(data, *((local, far) if sent else (far, local)), self._stack.pbx.wall()))
            self.capture.flush()

    def _wanted(self, data: bytes, flow: Flow) -> bool:
        if self.everything:
            return True
        if self.methods and not any(data.startswith(f"{method} ".encode()) for method in self.methods):
            return False
        if not self.networks:
            return bool(self.methods)
        address = ip_address(flow.host)
        return any(address.version == network.version and address in network for network in self.networks)


def packet(data: bytes, source: tuple[str, int], target: tuple[str, int], wall: float) -> bytes:
    """A message as one record of a pcap file, always as UDP over IP over Ethernet, whatever carried it."""
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(data), 0) + data
    ipv6 = ":" in source[0]
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    addresses = socket.inet_pton(family, source[0]) + socket.inet_pton(family, target[0])
    if ipv6:
        ip = struct.pack("!IHBB", 0x60000000, len(udp), 17, 64) + addresses
    else:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 128, 17, 0) + addresses
    frame = bytes(12) + struct.pack("!H", 0x86DD if ipv6 else 0x0800) + ip + udp
    return struct.pack("<IIII", int(wall), int(wall % 1 * 1e6), len(frame), len(frame)) + frame


PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


@logger.on_load
def load_logger(pbx: Pbx) -> None:
    """Show messages from the start when the global section says debug = yes (or an address)."""
    stack: SipStack = pbx.parts[PART]
    wire = pbx.parts[LOGGER] = WireLog(stack)
    debug = stack.config.settings.debug.strip()
    if debug.lower() in TRUE_WORDS:
        wire.everything = True
        wire.attach(True)
    elif debug and debug.lower() not in FALSE_WORDS:
        try:
            wire.networks = [_network(debug)]
        except ValueError:
            log.error('global: debug = "%s" is neither yes nor no nor an address', debug)
        else:
            wire.attach(True)


@logger.on_unload
def unload_logger(pbx: Pbx) -> None:
    """Stop showing."""
    wire: WireLog = pbx.parts.pop(LOGGER)
    wire.attach(False)
    if wire.capture is not None:
        wire.capture.close()


def _network(text: str) -> Network:
    from ipaddress import ip_network

    return ip_network(text, strict=False)


@logger.command(
    "pjsip set logger {on|off|host|add|method|methodadd|verbose|pcap} [<value>]",
    "Enable/Disable PJSIP Logger Output",
)
def set_logger(request: Request) -> None:
    """Show SIP messages as they come and go.

    on: all of them; off: none. host: only those to and from an address or network, add: from one more.
    method: only requests of a method, methodadd: of one more. verbose: whether they go to the log;
    pcap: whether they are written to a capture file as well.
    """
    wire: WireLog = request.pbx.parts[LOGGER]
    if not 1 <= len(request.args) <= 2:
        raise request.usage()
    what = request.args[0].lower()
    value = request.args[1] if len(request.args) == 2 else ""
    if what in ("on", "off") and not value:
        _switch(request, wire, what == "on")
    elif what in ("host", "add") and value:
        _hosts(request, wire, value, more=what == "add")
    elif what in ("method", "methodadd") and value:
        if what == "method":
            wire.methods.clear()
        if value.upper() in wire.methods:
            raise CommandError(f"Method '{value.upper()}' is already enabled")
        wire.methods.add(value.upper())
        wire.everything = False
        wire.attach(True)
        request.print(f"PJSIP Logging Enabled for SIP Methods: {', '.join(sorted(wire.methods))}")
    elif what == "verbose" and value.lower() in TRUE_WORDS | FALSE_WORDS:
        wire.verbose = value.lower() in TRUE_WORDS
        request.print(f"PJSIP Logging to verbose has been {'enabled' if wire.verbose else 'disabled'}")
    elif what == "pcap" and value:
        _capture(request, wire, value)
    else:
        raise request.usage()


def _switch(request: Request, wire: WireLog, on: bool) -> None:
    wire.everything = on
    wire.networks = []
    wire.methods = set()
    wire.attach(on)
    if not on and wire.capture is not None:
        wire.capture.close()
        wire.capture = None
    request.print(f"PJSIP Logging {'enabled' if on else 'disabled'}")


def _hosts(request: Request, wire: WireLog, value: str, *, more: bool) -> None:
    try:
        network = _network(value)
    except ValueError:
        raise CommandError(f"Failed to add address '{value}' for logging") from None
    wire.networks = [*wire.networks, network] if more else [network]
    wire.everything = False
    wire.attach(True)
    request.print(f"PJSIP Logging Enabled for host: {network.network_address}")


def _capture(request: Request, wire: WireLog, path: str) -> None:
    try:
        capture = open(path, "wb")  # noqa: SIM115 (closed when the logger is switched off)
    except OSError as error:
        raise CommandError(f"Failed to open file '{path}' for pcap writing: {error.strerror}") from None
    if wire.capture is not None:
        wire.capture.close()
    capture.write(PCAP_HEADER)
    wire.capture = capture
    request.print(f"PJSIP logging to pcap file '{path}'")


# ---- history ----------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """One message of the history."""

    number: int
    wall: int
    sent: bool
    address: str
    data: bytes

    @property
    def first_line(self) -> str:
        return self.data.partition(b"\r\n")[0].decode("utf-8", "replace")


class History:
    """The last messages, while switched on."""

    def __init__(self, stack: SipStack) -> None:
        self._stack = stack
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self._number = 0

    def attach(self, on: bool) -> None:
        """Begin or end keeping messages."""
        for listeners, listener in (
            (self._stack.on_received, self.received),
            (self._stack.on_sent, self.sent),
        ):
            if on and listener not in listeners:
                listeners.append(listener)
            elif not on and listener in listeners:
                listeners.remove(listener)

    def clear(self) -> None:
        """Forget what was kept."""
        self.entries.clear()
        self._number = 0

    def received(self, data: bytes, flow: Flow) -> None:
        self._keep(data, flow, sent=False)

    def sent(self, data: bytes, flow: Flow) -> None:
        self._keep(data, flow, sent=True)

    def _keep(self, data: bytes, flow: Flow, *, sent: bool) -> None:
        wall = int(self._stack.pbx.wall())
        self.entries.append(Entry(self._number, wall, sent, host_port(flow.host, flow.port), data))
        self._number += 1


@history.on_load
def load_history(pbx: Pbx) -> None:
    """Nothing is kept until it is switched on."""
    pbx.parts[HISTORY] = History(pbx.parts[PART])


@history.on_unload
def unload_history(pbx: Pbx) -> None:
    """Forget everything."""
    pbx.parts.pop(HISTORY).attach(False)


@history.command("pjsip set history {on|off|clear}", "Enable/Disable PJSIP History")
def set_history(request: Request) -> None:
    """Keep SIP messages in memory for "pjsip show history", stop keeping them, or forget those kept."""
    kept: History = request.pbx.parts[HISTORY]
    word = request.args[0].lower() if len(request.args) == 1 else ""
    if word in ("on", "off"):
        kept.attach(word == "on")
        request.print(f"PJSIP History {'enabled' if word == 'on' else 'disabled'}")
    elif word == "clear":
        kept.clear()
        request.print("PJSIP History cleared")
    else:
        raise request.usage()


@history.command("pjsip show history [entry <num>]", "Display PJSIP History")
def show_history(request: Request) -> None:
    """Show the SIP messages kept, a line each, or one of them whole."""
    kept: History = request.pbx.parts[HISTORY]
    if not request.args:
        request.print(
            f"{'No.':<5} {'Timestamp':<10} {'(Dir) Address':<30} {'SIP Message':<35}",
            "===== ========== ============================== ===================================",
        )
        for entry in kept.entries:
            arrow = "* ==>" if entry.sent else "* <=="
            request.print(f"{entry.number:05d} {entry.wall:<10} {arrow} {entry.address:<24.24} {entry.first_line}")
        return
    if len(request.args) != 2 or request.args[0] != "entry":
        raise request.usage()
    if not request.args[1].isdigit():
        raise CommandError(f"'{request.args[1]}' is not a valid entry number")
    number = int(request.args[1])
    found = next((entry for entry in kept.entries if entry.number == number), None)
    if found is None:
        raise CommandError(f"Entry '{number}' does not exist")
    way = "Sent to" if found.sent else "Received from"
    request.print(f"<--- History Entry {number} {way} {found.address} at {found.wall:<10} --->")
    request.print(found.data.decode("utf-8", "replace").replace("\r\n", "\n"))
