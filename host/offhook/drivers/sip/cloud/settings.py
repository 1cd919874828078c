"""trunk.conf: what a section may say, and the sections of pjsip.conf that it stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from offhook.config.model import ConfigError, Entry, Section
from offhook.config.options import Kind, Schema, choice, duration, flag, integer, number, string, words
from offhook.drivers.sip.cloud.limits import Limits

if TYPE_CHECKING:
    from offhook.config.model import ConfigFile

FILE: Final = "trunk.conf"


def _prices() -> Kind:
    """``+49:0.02, +1:0.05``: the beginning of a number and the price of a minute."""

    def parse(text: str) -> dict[str, float]:
        found = {}
        for word in filter(None, (word.strip() for word in text.split(","))):
            prefix, colon, price = word.partition(":")
            if not colon or not re.fullmatch(r"\d+(\.\d+)?", price.strip()):
                raise ValueError(f'"{word}" is no price; write the beginning of a number, a colon, the price: +49:0.02')
            found[prefix.strip()] = float(price)
        return found

    return Kind("prices of a minute, such as +49:0.02, +1:0.05", parse, str)


SCHEMA = Schema("res_trunk", FILE, "Trunks to the cloud")
TRUNK = SCHEMA.type("trunk", "One trunk; the section's name is that of its endpoint: Dial(PJSIP/${EXTEN}@name)")
TRUNK.option("host", string(), None, "Domain or address of the provider; SRV records of a domain are followed.")
TRUNK.option("username", string(), "", "Account.")
TRUNK.option("password", string(), "", "Its password.")
TRUNK.option("number", string(), "", "Our number, the user part of From. By default the account.")
TRUNK.option("register", flag(), True, "Register, and be called over the same connection.")
TRUNK.option("transport", choice("tls", "tcp", "udp"), "tls", "What SIP is carried by. Nothing listens for it here.")
TRUNK.option("media_encryption", choice("sdes", "dtls", "no"), "sdes", "How audio is encrypted.")
TRUNK.option("verify", flag(), True, "The server's certificate must vouch for host.")
TRUNK.option("ca_file", string(), "", "Certificates to trust. By default the system's.")
TRUNK.option("context", string(), "default", "Where calls from the trunk begin in the dialplan.")
TRUNK.option("allow", words(), ["g722", "alaw", "ulaw"], "Codecs, the best first.")
TRUNK.option("expires", integer(30, 86400, "seconds"), 300, "Lifetime of a registration.")
TRUNK.option("keepalive", duration("s", 5, 600), 25.0, "Between signs of life (RFC 5626); no answer ends a connection.")
TRUNK.option("calls", integer(0, 10000), 0, "Calls at once, 0 for any number.")
TRUNK.option("calls_a_minute", integer(0, 10000), 0, "Calls begun within a minute, 0 for any number.")
TRUNK.option("destinations", words(), [], 'Numbers that may be called, "*" for anything: +49*, +41*. All by default.')
TRUNK.option("denied", words(), [], "Numbers that may not, whatever destinations says: +49900*.")
TRUNK.option("prices", _prices(), {}, "Price of a minute by the beginning of the number: +49:0.02, +1:0.05.")
TRUNK.option("spend_a_day", number(0), 0.0, "Most that calls of a day may cost, 0 for no limit.")
TRUNK.option("silence", duration("s", 2, 300), 5.0, "So long without audio from a side is told.")

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)+|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """One trunk."""

    name: str
    host: str
    values: dict[str, Any]
    file: str
    line: int

    @property
    def limits(self) -> Limits:
        """Its limits."""
        values = self.values
        return Limits(
            values["calls"],
            values["calls_a_minute"],
            tuple(values["destinations"]),
            tuple(values["denied"]),
            values["prices"],
            values["spend_a_day"],
        )

    def sections(self) -> list[Section]:
        """The sections of pjsip.conf that it stands for."""
        values, name, carrier = self.values, self.name, f"{self.name}-transport"
        protocol, user = values["transport"], values["number"] or values["username"]
        uri = f"sip:{{}}{self.host}" + (f";transport={protocol}" if protocol != "udp" else "")
        transport = [("protocol", protocol), ("bind", "0.0.0.0:0"), ("allow_reload", "yes")]
        if protocol != "udp":
            transport.append(("listen", "no"))
        if protocol == "tls":
            transport += [("verify_server", "yes" if values["verify"] else "no"), ("method", "unspecified")]
            transport += [("ca_list_file", values["ca_file"])] if values["ca_file"] else []
        endpoint = [
            ("transport", carrier),
            ("aors", name),
            ("context", values["context"]),
            ("disallow", "all"),
            ("allow", ",".join(values["allow"])),
            ("media_encryption", values["media_encryption"]),
            ("direct_media", "no"),
            ("rtp_symmetric", "yes"),
            ("tos_audio", "ef"),
            # Over UDP a NAT is seen through; a connection is its own way back, and its other end is a proxy.
            ("force_rport", "yes" if protocol == "udp" else "no"),
            ("rewrite_contact", "yes" if protocol == "udp" else "no"),
            ("from_domain", self.host.partition(":")[0]),
            *((("from_user", user),) if user else ()),
        ]
        made = [self._section("transport", carrier, transport)]
        aor = [("contact", uri.format(""))]
        if protocol == "udp":
            aor.append(("qualify_frequency", str(int(values["keepalive"]))))
        made.append(self._section("aor", name, aor))
        if values["username"]:
            auth = [("auth_type", "userpass"), ("username", values["username"]), ("password", values["password"])]
            made.append(self._section("auth", f"{name}-auth", auth))
            endpoint.append(("outbound_auth", f"{name}-auth"))
        made.append(self._section("endpoint", name, endpoint))
        if values["register"]:
            registration = [
                ("transport", carrier),
                ("server_uri", uri.format("")),
                ("client_uri", uri.format(f"{values['username'] or name}@")),
                ("contact_user", user or name),
                ("expiration", str(values["expires"])),
                ("max_random_initial_delay", "0"),
                ("support_outbound", "yes"),
                ("line", "yes"),
                ("endpoint", name),
            ]
            if values["username"]:
                registration.append(("outbound_auth", f"{name}-auth"))
            made.append(self._section("registration", name, registration))
        return made

    def _section(self, kind: str, name: str, options: list[tuple[str, str]]) -> Section:
        made = Section(name, self.file, self.line)
        made.entries = [
            Entry(option, value, self.file, self.line) for option, value in [("type", kind), *options] if value
        ]
        return made


def read_trunks(file: ConfigFile | None, errors: list[ConfigError]) -> dict[str, TrunkSettings]:
    """The trunks of trunk.conf by name; one without a usable host is told and left out."""
    found: dict[str, TrunkSettings] = {}
    for section in file or ():
        values = TRUNK.apply(section, errors)
        host = (values["host"] or "").strip()
        name, colon, port = host.rpartition(":") if re.search(r":\d+$", host) else (host, "", "")
        if not host:
            sentence = f"trunk [{section.name}] needs host; write the provider's domain: host = sip.example.com"
        elif not _HOST.fullmatch(name) or (colon and not 0 < int(port) < 65536):
            sentence = f'"{host}" is no host; write a domain or an address, and :port only where the provider says so'
        elif section.name in found:
            sentence = f"there is a second trunk [{section.name}]; take one out"
        elif values["password"] and not values["username"]:
            sentence = f"trunk [{section.name}] has a password and no username"
        else:
            found[section.name] = TrunkSettings(section.name, host, values, section.file, section.line)
            continue
        errors.append(ConfigError(section.file, section.line, sentence))
    return found
