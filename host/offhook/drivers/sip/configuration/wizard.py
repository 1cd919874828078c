"""pjsip_wizard.conf: a section stands for the endpoint, AOR, auths, identify and registrations of a phone or trunk."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.pbx import Pbx
from offhook.config.model import TRUE_WORDS, ConfigError, Entry, Section
from offhook.dialplan.context import HINT, Priority
from offhook.drivers.sip.configuration.reading import TYPES
from offhook.drivers.sip.resource import read_again
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import CommandError, Module, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger(__name__)

module = Module("res_pjsip_config_wizard", "PJSIP Config Wizard", depends=("res_pjsip",), priority=11)

FILE = "pjsip_wizard.conf"
REGISTRAR = "res_pjsip_config_wizard"
OPTIONS = frozenset(
    (
        "type", "transport", "remote_hosts", "outbound_proxy", "sends_auth", "accepts_auth", "sends_registrations",
        "sends_line_with_registrations", "accepts_registrations", "has_phoneprov", "server_uri_pattern",
        "client_uri_pattern", "contact_pattern", "has_hint", "hint_context", "hint_exten", "hint_application",
    )
)  # fmt: skip
_PARTS = ("endpoint", "aor", "inbound_auth", "outbound_auth", "identify", "registration", "phoneprov")


class Wizard:
    """One section of pjsip_wizard.conf. Raises ConfigError for one that cannot be carried out."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.name = section.name
        self.hosts = [host.strip() for host in (section.get("remote_hosts") or "").split(",") if host.strip()]
        for entry in section:
            prefix, slash, option = entry.name.partition("/")
            if (prefix not in _PARTS or not option) if slash else entry.name.lower() not in OPTIONS:
                raise ConfigError(entry.file, entry.line, f'a wizard has no option "{entry.name}"; take it out')

    def _says(self, name: str) -> bool:
        return (self.section.get(name) or "").strip().lower() in TRUE_WORDS

    def _wrong(self, sentence: str) -> ConfigError:
        return ConfigError(self.section.file, self.section.line, f"wizard [{self.name}] {sentence}")

    def _make(self, kind: str, name: str, prefix: str, more: Iterable[tuple[str, str]]) -> Section:
        section = self.section
        made = Section(name, section.file, section.line)
        made.entries.append(Entry("type", kind, section.file, section.line))
        for entry in section:
            if entry.name.startswith(f"{prefix}/"):
                option = entry.name[len(prefix) + 1 :]
                made.entries.append(Entry(option, entry.value, entry.file, entry.line, object=entry.object))
        made.entries += [Entry(option, value, section.file, section.line) for option, value in more]
        return made

    def sections(self) -> list[Section]:
        """The sections it stands for."""
        made = [self._endpoint(), self._aor(), *self._auths(), *self._identify(), *self._registrations()]
        if self._says("has_phoneprov"):
            if "phoneprov" not in TYPES:
                raise self._wrong("has_phoneprov = yes cannot be honoured: phone provisioning is not offered")
            if self.section.get("phoneprov/MAC") is None:
                raise self._wrong("needs phoneprov/MAC with has_phoneprov = yes")
            made.append(self._make("phoneprov", f"{self.name}-phoneprov", "phoneprov", [("endpoint", self.name)]))
        return made

    def _shared(self, *names: str) -> list[tuple[str, str]]:
        return [(name, value) for name in names if (value := self.section.get(name))]

    def _endpoint(self) -> Section:
        more = [("aors", self.name), *self._shared("outbound_proxy", "transport")]
        if self._says("sends_auth"):
            more.append(("outbound_auth", f"{self.name}-oauth"))
        if self._says("accepts_auth"):
            more.append(("auth", f"{self.name}-iauth"))
        return self._make("endpoint", self.name, "endpoint", more)

    def _aor(self) -> Section:
        more = self._shared("outbound_proxy")
        pattern = self.section.get("contact_pattern", "sip:${REMOTE_HOST}") or ""
        if self.section.get("aor/contact") is None and pattern:
            more += [("contact", pattern.replace("${REMOTE_HOST}", host)) for host in self.hosts]
        return self._make("aor", self.name, "aor", more)

    def _auths(self) -> list[Section]:
        made = []
        for direction, wanted, suffix in (("outbound", "sends_auth", "oauth"), ("inbound", "accepts_auth", "iauth")):
            if not self._says(wanted):
                continue
            if self.section.get(f"{direction}_auth/username") is None:
                raise self._wrong(f"needs {direction}_auth/username with {wanted} = yes")
            default = [] if self.section.get(f"{direction}_auth/auth_type") else [("auth_type", "userpass")]
            made.append(self._make("auth", f"{self.name}-{suffix}", f"{direction}_auth", default))
        return made

    def _identify(self) -> list[Section]:
        if self._says("accepts_registrations") or self._says("sends_line_with_registrations"):
            return []
        if not self.hosts:
            raise self._wrong("needs remote_hosts, unless accepts_registrations = yes")
        more = [("endpoint", self.name)]
        if self.section.get("identify/match") is None:
            more += [("match", host) for host in self.hosts]
        return [self._make("identify", f"{self.name}-identify", "identify", more)]

    def _registrations(self) -> list[Section]:
        if not self._says("sends_registrations"):
            return []
        if not self.hosts:
            raise self._wrong("needs remote_hosts with sends_registrations = yes")
        section = self.section
        server = section.get("server_uri_pattern", "sip:${REMOTE_HOST}") or ""
        client = section.get("client_uri_pattern", "sip:${USERNAME}@${REMOTE_HOST}") or ""
        username = (section.get("outbound_auth/username") or "") if self._says("sends_auth") else self.name
        made = []
        for number, host in enumerate(self.hosts):
            more = self._shared("outbound_proxy")
            for option, pattern in (("server_uri", server), ("client_uri", client)):
                if pattern:
                    text = pattern.replace("${REMOTE_HOST}", host).replace("${USERNAME}", username)
                    more.append((option, text))
            if self._says("sends_auth"):
                more.append(("outbound_auth", f"{self.name}-oauth"))
            more += self._shared("transport")
            if self._says("sends_line_with_registrations"):
                more += [("line", "yes"), ("endpoint", self.name)]
            made.append(self._make("registration", f"{self.name}-reg-{number}", "registration", more))
        return made

    def hints(self) -> list[tuple[str, Priority]]:
        """(context, priority) of the hint and the application it asks for."""
        section = self.section
        exten = section.get("hint_exten") or ""
        if not exten or not self._says("has_hint"):
            return []
        context = section.get("hint_context") or section.get("endpoint/context") or "default"
        where = {"registrar": REGISTRAR, "file": section.file, "line": section.line}
        found = [(context, Priority(exten, HINT, f"PJSIP/{self.name}", **where))]  # type: ignore[arg-type]
        application = (section.get("hint_application") or "").strip()
        if application:
            name, bracket, data = application.partition("(")
            data = data[:-1] if bracket and data.endswith(")") else data
            found.append((context, Priority(exten, 1, name, data, **where)))  # type: ignore[arg-type]
        return found


def wizards(pbx: Pbx) -> list[Wizard]:
    """The wizards of pjsip_wizard.conf; those with errors are told and left out."""
    file = pbx.config.load(FILE, module.name)
    found = []
    for section in file or ():
        if (section.get("type") or "").strip().lower() != "wizard":
            continue
        try:
            found.append(Wizard(section))
        except ConfigError as error:
            log.error("%s", error)
    return found


def sections(pbx: Pbx) -> list[Section]:
    """The sections that the wizards stand for; puts their hints into the dialplan."""
    made: list[Section] = []
    pbx.dialplan.remove_registrar(REGISTRAR)
    for wizard in wizards(pbx):
        try:
            made += wizard.sections()
        except ConfigError as error:
            log.error("%s", error)
            continue
        for context, priority in wizard.hints():
            pbx.dialplan.create(context, REGISTRAR)
            if not pbx.dialplan.exists(context, priority.name, priority.number):
                pbx.dialplan.add(context, priority)
    return made


@module.on_load
async def load(pbx: Pbx) -> None:
    """Add what the wizards make to the configuration."""
    stack: SipStack = pbx.parts[PART]
    stack.more_sections.append(sections)
    if wizards(pbx):
        await read_again(pbx.parts[PART])


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Take it out again."""
    stack: SipStack = pbx.parts[PART]
    stack.more_sections.remove(sections)
    pbx.dialplan.remove_registrar(REGISTRAR)
    if not pbx.stopping:
        await read_again(pbx.parts[PART])


@module.on_reload
async def reload_wizards(pbx: Pbx) -> None:
    """Read the wizards again."""
    await read_again(pbx.parts[PART])


@module.command("pjsip export config_wizard primitives [to <file>]", "Export config wizard primitives")
def export(request: Request) -> None:
    """Write the sections of pjsip.conf that the wizards stand for, to the console or into a file."""
    if request.args and (len(request.args) != 2 or request.args[0] != "to"):
        raise request.usage()
    lines: list[str] = []
    for wizard in wizards(request.pbx):
        try:
            made = wizard.sections()
        except ConfigError as error:
            raise CommandError(str(error)) from None
        for section in made:
            lines += ["", f"[{section.name}]", *(f"{entry.name} = {entry.value}" for entry in section)]
    if not request.args:
        request.print(*lines)
        return
    path = request.args[1]
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write("; Made of pjsip_wizard.conf by pjsip export config_wizard primitives\n")
            file.writelines(line + "\n" for line in lines)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None
    request.print(f"Wrote configuration to {path}")
