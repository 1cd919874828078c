"""rtp.conf: the ports, timings and checks of RTP, and the engine's figures on the CLI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.config.model import ConfigError, ConfigFile
from offhook.config.options import Schema, choice, flag, integer, string
from offhook.media.engine import Settings
from offhook.modules import Module, Request
from offhook.modules.module import LoadError

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

FILE: Final = "rtp.conf"
TICKS_A_MS: Final = 8
"""dtmftimeout counts ticks of 8 kHz."""

YES_NO: Final = ("yes",) * 3 + ("no",) * 3

SCHEMA = Schema("res_rtp_asterisk", FILE, "audio over the network")
_general = SCHEMA.type("general", "RTP of all channels.")
_general.option("rtpstart", integer(1024, 65535), 5000, "First UDP port for RTP; read at start only.")
_general.option("rtpend", integer(1024, 65535), 31000, "Last UDP port for RTP; read at start only.")
_general.option("rtpchecksums", flag(), True, "Send UDP checksums.")
_general.option(
    "dtmftimeout", integer(1), 1200, "A digit whose end is lost ends after so many ticks of 1/8000 s without a packet."
)
_general.option("rtcpinterval", integer(500, 60000, "ms"), 5000, "Between RTCP reports.")
_general.option(
    "strictrtp",
    choice(
        "yes", "no", "seqno", aliases={"true": "yes", "on": "yes", "1": "yes", "false": "no", "off": "no", "0": "no"}
    ),
    "yes",
    "Take packets from the address that proved to be the caller's, and drop others.",
)
_general.option("probation", integer(1), 4, "Packets in sequence after which a new address is believed.")
_general.option("rtpmode", choice("auto", "steer", "pool", "leg"), "auto", "How ports are received: see the manual.")
_general.option("realtime", flag(), True, "Ask for real-time scheduling of the media thread.")
for _name, _text in (
    ("icesupport", "ICE; not offered yet."),
    ("stunaddr", "STUN server; not used yet."),
    ("turnaddr", "TURN server; not used yet."),
    ("turnusername", "TURN user; not used yet."),
    ("turnpassword", "TURN password; not used yet."),
    ("srtpreplayprotection", "Replay protection of SRTP; not offered yet."),
    ("dtls_mtu", "MTU of DTLS; not offered yet."),
    ("ice_acl", "Addresses for ICE; not offered yet."),
    ("stun_acl", "Addresses for STUN; not offered yet."),
    ("ice_deny", "Addresses for ICE; not offered yet."),
    ("ice_permit", "Addresses for ICE; not offered yet."),
    ("stun_deny", "Addresses for STUN; not offered yet."),
    ("stun_permit", "Addresses for STUN; not offered yet."),
):
    _general.option(_name, string(), "", _text)
SCHEMA.type("ice_host_candidates", "Addresses to advertise by ICE; not offered yet.", open=True)

module = Module("res_rtp_asterisk", "RTP for all channels", priority=5)


def read_settings(config: ConfigFile | None) -> tuple[Settings, list[ConfigError]]:
    """The engine's settings by rtp.conf (None: defaults), and what is wrong with the file."""
    errors: list[ConfigError] = []
    section = config.get("general") if config else None
    values = _general.apply(section, errors)
    low, high = values["rtpstart"], values["rtpend"]
    if low >= high:
        line = section.line if section is not None else 0
        errors.append(ConfigError(FILE, line, f"rtpstart {low} is not below rtpend {high}; 5000 to 31000 are used"))
        low, high = 5000, 31000
    settings = Settings(
        port_low=low,
        port_high=high,
        socket_mode=values["rtpmode"],
        realtime=values["realtime"],
        strict_rtp=values["strictrtp"] != "no",
        probation=values["probation"],
        rtcp_interval=values["rtcpinterval"] / 1000,
        dtmf_timeout_ms=values["dtmftimeout"] // TICKS_A_MS,
        checksums=values["rtpchecksums"],
    )
    return settings, errors


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Read rtp.conf again: new legs follow it, the ports stay those of the start."""
    settings, errors = read_settings(pbx.config.load(FILE, module.name))
    if errors:
        raise LoadError("; ".join(map(str, errors)))
    pbx.engine.settings.strict_rtp = settings.strict_rtp


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
        ("Strict RTP", "Yes" if settings.strict_rtp else "No"),
        ("Probation", f"{settings.probation} frames"),
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
