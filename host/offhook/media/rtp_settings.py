"""rtp.conf: the ports, timings and checks of RTP, and the engine's figures on the CLI."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from offhook.config.acl import Acl, NamedAcls, named_acls
from offhook.config.model import ConfigError, ConfigFile
from offhook.config.options import Kind, Schema, choice, flag, integer, string
from offhook.media.engine_settings import Settings
from offhook.media.ice_settings import IceSettings, Server
from offhook.modules import Module, Request
from offhook.modules.module import LoadError

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

FILE: Final = "rtp.conf"
STUN_PORT: Final = 3478
TICKS_A_MS: Final = 8
"""dtmftimeout counts ticks of 8 kHz."""

YES_NO: Final = ("yes",) * 3 + ("no",) * 3


def _clamped(low: int, high: int, unit: str = "") -> Kind:
    """A whole number; one beyond a bound is taken as the bound, as it always was."""
    bounded, any_number = integer(low, high, unit), integer()
    return Kind(bounded.phrase, lambda text: max(low, min(any_number.parse(text), high)), bounded.show)


SCHEMA = Schema("res_rtp_asterisk", FILE, "audio over the network")
_general = SCHEMA.type("general", "RTP of all channels.")
_general.option("rtpstart", _clamped(1024, 65535), 5000, "First UDP port for RTP; an odd one is rounded up.")
_general.option("rtpend", _clamped(1024, 65535), 31000, "Last UDP port for RTP.")
_general.option("rtpchecksums", flag(), True, "Send UDP checksums; read at start only.")
_general.option(
    "dtmftimeout",
    integer(0, 64000),
    1200,
    "A digit whose end is lost ends after so many ticks of 1/8000 s without a packet.",
)
_general.option("rtcpinterval", _clamped(500, 60000, "ms"), 5000, "Between RTCP reports.")
_general.option(
    "strictrtp",
    choice(
        "yes", "no", "seqno", aliases={"true": "yes", "on": "yes", "1": "yes", "false": "no", "off": "no", "0": "no"}
    ),
    "yes",
    "Take packets from the address that proved to be the far end's, and drop others; seqno: proved by numbers alone.",
)
_general.option("probation", integer(2, 65535), 4, "Packets in sequence after which a new address is believed.")
_general.option(
    "socket_mode",
    choice("auto", "steer", "pool", "leg"),
    "auto",
    "One socket for all ports (steer), some that legs share (pool) or a pair a leg; auto: the first that is permitted. "
    "Read at start only.",
    aliases=["rtpmode"],
)
_general.option("realtime", flag(), True, "Ask for real-time scheduling of the media thread.")
_general.option("srtpreplayprotection", flag(), True, "Drop SRTP packets that come again.")
_general.option("dtls_mtu", integer(256), 1200, "Octets of a DTLS datagram at most.")
_general.option("icesupport", flag(), True, "Let endpoints with ice_support look for the way to their far ends by ICE.")
_general.option("stunaddr", string(), "", "STUN server, by which our address beyond a NAT is found: host or host:port.")
_general.option("stun_software_attribute", flag(), True, "Say in STUN messages which program we are.")
_general.option("stunaddr_reresolve_ttl_0", flag(), False, "Read and ignored: the name is looked up for each call.")
_general.option("turnaddr", string(), "", "TURN server that relays where nothing else gets through: host or host:port.")
_general.option("turnusername", string(), "", "User at the TURN server.")
_general.option("turnpassword", string(), "", "Password at the TURN server.")
_general.option(
    "turntransport",
    choice("auto", "udp", "tcp"),
    "auto",
    "How the TURN server is reached; auto: by TCP where it does not answer by UDP at once.",
)
for _what, _text in (("ice", "told to far ends by ICE"), ("stun", "that ask the STUN server")):
    _general.option(f"{_what}_acl", string(), "", f"Lists of acl.conf for addresses of ours {_text}.")
    for _sense in ("permit", "deny", "blacklist"):
        _general.option(f"{_what}_{_sense}", string(), "", f"Rule for addresses of ours {_text}; in order with others.")
SCHEMA.type(
    "ice_host_candidates",
    "What to tell instead of an address of ours: address => other address[,include_local_address].",
    open=True,
)

module = Module("res_rtp_asterisk", "RTP for all channels", priority=5)


def read_settings(config: ConfigFile | None, named: NamedAcls | None = None) -> tuple[Settings, list[ConfigError]]:
    """The engine's settings by rtp.conf (None: defaults), and what is wrong with the file. ``named``: the lists of
    acl.conf."""
    errors: list[ConfigError] = []
    section = config.get("general") if config else None
    values = _general.apply(section, errors)
    low, high = values["rtpstart"], values["rtpend"]
    line = section.line if section is not None else 0
    if low % 2:
        low += 1
        errors.append(ConfigError(FILE, line, f"rtpstart is odd; RTP ports are even, the first is {low}"))
    if low >= high:
        errors.append(ConfigError(FILE, line, f"rtpstart {low} is not below rtpend {high}; 5000 to 31000 are used"))
        low, high = 5000, 31000
    settings = Settings(
        port_low=low,
        port_high=high,
        socket_mode=values["socket_mode"],
        realtime=values["realtime"],
        strict_rtp=values["strictrtp"],
        probation=values["probation"],
        rtcp_interval=values["rtcpinterval"] / 1000,
        dtmf_timeout_ms=values["dtmftimeout"] // TICKS_A_MS,
        checksums=values["rtpchecksums"],
        replay_protection=values["srtpreplayprotection"],
        dtls_mtu=values["dtls_mtu"],
        ice=_read_ice(config, values, named or NamedAcls(), errors),
    )
    return settings, errors


def _read_ice(
    config: ConfigFile | None, values: Mapping[str, Any], named: NamedAcls, errors: list[ConfigError]
) -> IceSettings:
    acls = {"ice": Acl(named), "stun": Acl(named)}
    section = config.get("general") if config else None
    for entry in section or ():
        what, _, sense = entry.name.lower().partition("_")
        if what in acls and sense in ("acl", "permit", "deny", "blacklist"):
            try:
                acls[what].add("deny" if sense == "blacklist" else sense, entry.value)
            except ValueError as error:
                errors.append(ConfigError(entry.file, entry.line, str(error)))
    ice = IceSettings(
        enabled=values["icesupport"],
        software=values["stun_software_attribute"],
        allows=acls["ice"].allows,
        stun_allows=acls["stun"].allows,
    )
    if values["stunaddr"]:
        ice.stun = Server(*_split_server(values["stunaddr"]))
    if values["turnaddr"]:
        ice.turn = Server(
            *_split_server(values["turnaddr"]), values["turnusername"], values["turnpassword"], values["turntransport"]
        )
    for entry in (config.get("ice_host_candidates") if config else None) or ():
        other, *options = (word.strip() for word in entry.value.removeprefix(">").split(","))
        try:
            pair = str(ipaddress.ip_address(entry.name)), str(ipaddress.ip_address(other))
        except ValueError as error:
            errors.append(ConfigError(entry.file, entry.line, f"{error}; write address => other address"))
            continue
        ice.overrides[pair[0]] = (pair[1], "include_local_address" in options)
    return ice


def _split_server(text: str) -> tuple[str, int]:
    host, colon, port = text.strip().rpartition(":")
    return (host, int(port)) if colon and port.isdigit() and ":" not in host.strip("[]") else (text.strip(), STUN_PORT)


def _server(server: Server | None) -> str:
    return "disabled" if server is None else f"{server.host}:{server.port}"


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Read rtp.conf again: new legs follow it; socket_mode, rtpchecksums and realtime stay those of the start."""
    settings, errors = read_settings(pbx.config.load(FILE, module.name), named_acls(pbx))
    if errors:
        raise LoadError("; ".join(map(str, errors)))
    pbx.engine.change_settings(settings)


@module.command("rtp show settings", "Display RTP settings")
def show_settings(request: Request) -> None:
    """Print the settings of RTP and how its packets are received.

    The mode is "steer" (one socket for all ports), "pool" (some shared sockets) or "leg" (sockets for each call).
    """
    settings, figures = request.pbx.engine.settings, request.pbx.engine.figures()
    request.print("", "", "General Settings:", "----------------")
    for text, value in (
        ("Port start", settings.port_low),
        ("Port end", settings.port_high),
        ("Checksums", "Yes" if settings.checksums else "No"),
        ("DTMF Timeout", settings.dtmf_timeout_ms * TICKS_A_MS),
        ("Strict RTP", settings.strict_rtp.capitalize()),
        ("Probation", f"{settings.probation} frames"),
        ("Replay Protect", "Yes" if settings.replay_protection else "No"),
        ("ICE support", "Yes" if settings.ice.enabled else "No"),
        ("STUN", _server(settings.ice.stun)),
        ("TURN", _server(settings.ice.turn)),
        ("DTLS MTU", settings.dtls_mtu),
        ("Mode", figures.mode),
        ("Descriptors", figures.descriptors),
        ("Legs", figures.legs),
        ("Packets in", figures.packets_in),
        ("Packets out", figures.packets_out),
        ("Packets refused", figures.packets_bad),
        ("Late ticks", f"{figures.late_ticks} of {figures.ticks}"),
        ("Real-time", "Yes" if figures.realtime else "No"),
    ):
        request.print(f"  {text + ':':17}{value}")
