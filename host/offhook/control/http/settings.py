"""What http.conf says."""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook import ASTERISK_VERSION
from offhook.config.acl import Acl, NamedAcls
from offhook.config.model import ConfigError, ConfigFile
from offhook.config.options import Kind, Schema, address, flag, integer, string
from offhook.control.http import tls
from offhook.control.http.tls import TlsOptions

DEFAULT_PORT = 8088
DEFAULT_TLS_PORT = 8089


def _two_paths(text: str) -> tuple[str, str]:
    target, _, destination = text.replace("\t", " ").strip().partition(" ")
    if not destination.strip():
        raise ValueError(f'"{text}" needs two paths; write / /static/index.html')
    return target, destination.strip()


SCHEMA = Schema("http", "http.conf", "the embedded web server")
_general = SCHEMA.type("general", "Where it listens and what it serves.")
_general.option("enabled", flag(), False, "Listen at all.")
_general.option("bindaddr", address(), None, "Address to listen at; without one nothing listens.")
_general.option("bindport", integer(0, 65535), DEFAULT_PORT, "Port to listen at.")
_general.option("prefix", string(), "", "First part of every path, without a slash.")
_general.option(
    "servername", string(), f"Asterisk/{ASTERISK_VERSION}", "What the Server header says; empty: there is none."
)
_general.option("enable_static", flag(), False, "Serve files below static-http.", aliases=("enablestatic",))
_general.option("enable_status", flag(), False, "Serve the page /httpstatus.")
_general.option("sessionlimit", integer(1), 100, "The most connections at once.")
_general.option("session_inactivity", integer(1, unit="ms"), 30000, "Silence within a request ends the connection.")
_general.option(
    "session_keep_alive",
    integer(0, unit="ms"),
    15000,
    "A connection without a request is kept so long; 0: a connection for each request.",
)
_general.option(
    "redirect",
    Kind("two paths", _two_paths, " ".join),
    [],
    "Send clients from one path to another: redirect = / /static/index.html",
    many=True,
)
tls.declare(_general, DEFAULT_TLS_PORT)
_restriction = SCHEMA.type("restriction", "Who may come to the paths that begin with the section's name.", open=True)
_restriction.option("type", string(), None, "restriction")


@dataclass(slots=True)
class Settings:
    """The web server's options with Asterisk's defaults."""

    enabled: bool = False
    host: str = ""
    """Empty: nowhere; there is no default."""
    port: int = DEFAULT_PORT
    tls: TlsOptions = field(default_factory=TlsOptions)
    prefix: str = ""
    """With a slash in front, or empty."""
    name: str = f"Asterisk/{ASTERISK_VERSION}"
    """What the Server header says; empty: no such header."""
    static: bool = False
    status: bool = False
    most_sessions: int = 100
    inactivity_s: float = 30.0
    keep_alive_s: float = 15.0
    """0: a connection for each request."""
    redirects: list[tuple[str, str]] = field(default_factory=list)
    restrictions: list[tuple[str, Acl]] = field(default_factory=list)
    """(path, who may come)."""
    errors: list[ConfigError] = field(default_factory=list)

    @property
    def tls_address(self) -> tuple[str, int]:
        """Where TLS listens."""
        return self.tls.bind or (self.host, DEFAULT_TLS_PORT)


def read_settings(config: ConfigFile | None, named: NamedAcls) -> Settings:
    """Read http.conf; what is wrong with it is in ``errors`` and keeps its default."""
    errors: list[ConfigError] = []
    values = _general.apply(config.get("general") if config else None, errors)
    settings = Settings(
        values["enabled"],
        values["bindaddr"][0] if values["bindaddr"] else "",
        values["bindport"],
        TlsOptions.of(values),
        f"/{values['prefix']}" if values["prefix"] else "",
        values["servername"],
        values["enable_static"],
        values["enable_status"],
        values["sessionlimit"],
        values["session_inactivity"] / 1000,
        values["session_keep_alive"] / 1000,
        values["redirect"],
        errors=errors,
    )
    for section in config or ():
        if section.name.lower() != "general" and (section.get("type") or "").lower() == "restriction":
            acl = Acl(named)
            for entry in section:
                if entry.name.lower() in ("permit", "deny", "acl"):
                    try:
                        acl.add(entry.name, entry.value)
                    except ValueError as error:
                        errors.append(ConfigError(entry.file, entry.line, str(error)))
            settings.restrictions.append((section.name, acl))
    return settings
