"""What http.conf says."""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook import ASTERISK_VERSION
from offhook.config.acl import Acl, NamedAcls
from offhook.config.model import TRUE_WORDS, ConfigError, ConfigFile, Entry
from offhook.control.http.listening import split_address
from offhook.control.http.tls import TlsOptions

DEFAULT_PORT = 8088
DEFAULT_TLS_PORT = 8089


@dataclass(slots=True)
class Settings:
    """The web server's options with Asterisk's defaults."""

    enabled: bool = False
    host: str = ""
    """Empty: nowhere; there is no default."""
    port: int = DEFAULT_PORT
    tls: TlsOptions = field(default_factory=TlsOptions)
    tls_host: str = ""
    tls_port: int = DEFAULT_TLS_PORT
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


def read_settings(config: ConfigFile, named: NamedAcls) -> Settings:
    """Read http.conf; what is wrong with it is in ``errors`` and keeps its default."""
    settings = Settings()
    for entry in config.get("general") or ():
        try:
            if not _take(settings, entry):
                raise ValueError(f'unknown option "{entry.name}"; it has no effect')
        except ValueError as error:
            settings.errors.append(ConfigError(entry.file, entry.line, str(error)))
    if settings.tls.bind:
        try:
            settings.tls_host, settings.tls_port = split_address(settings.tls.bind, DEFAULT_TLS_PORT)
        except ValueError as error:
            settings.errors.append(ConfigError("http.conf", 0, str(error)))
    else:
        settings.tls_host = settings.host
    for section in config:
        if section.name.lower() == "general" or (section.get("type") or "").lower() != "restriction":
            continue
        acl = Acl(named)
        for entry in section:
            if entry.name.lower() in ("permit", "deny", "acl"):
                try:
                    acl.add(entry.name, entry.value)
                except ValueError as error:
                    settings.errors.append(ConfigError(entry.file, entry.line, str(error)))
        settings.restrictions.append((section.name, acl))
    return settings


def _take(settings: Settings, entry: Entry) -> bool:
    name, value = entry.name.lower(), entry.value
    true = value.strip().lower() in TRUE_WORDS
    if name == "enabled":
        settings.enabled = true
    elif name == "bindaddr":
        settings.host, _ = split_address(value, 0)
    elif name == "bindport":
        settings.port = _number(value, 0, 65535)
    elif name == "prefix":
        settings.prefix = f"/{value}" if value else ""
    elif name == "servername":
        settings.name = value
    elif name in ("enablestatic", "enable_static"):
        settings.static = true
    elif name == "enable_status":
        settings.status = true
    elif name == "redirect":
        target, _, destination = value.replace("\t", " ").partition(" ")
        if not destination.strip():
            raise ValueError(f"redirect = {value} needs two paths; write redirect = / /static/index.html")
        settings.redirects.append((target, destination.strip()))
    elif name == "sessionlimit":
        settings.most_sessions = _number(value, 1, 1 << 31)
    elif name == "session_inactivity":
        settings.inactivity_s = _number(value, 1, 1 << 31) / 1000
    elif name == "session_keep_alive":
        settings.keep_alive_s = _number(value, 0, 1 << 31) / 1000
    else:
        return settings.tls.take(name, value)
    return True


def _number(value: str, least: int, most: int) -> int:
    if not value.strip().isdigit() or not least <= int(value) <= most:
        raise ValueError(f'"{value}" is not a number from {least} to {most}')
    return int(value)
