"""cli_permissions.conf: which of the machine's users may run which commands on a console."""

from __future__ import annotations

import grp
import logging
import pwd
import re
from dataclasses import dataclass, field
from typing import Any

from offhook.config.model import ConfigFile, Section
from offhook.modules import CommandError, Module, Request

module = Module("cli_permissions", "Permissions of console users")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rule:
    """``permit`` or ``deny`` of commands that begin so, match so, or of "all"."""

    permit: bool
    command: str

    def applies(self, line: str) -> bool:
        """Whether the rule speaks about this command line."""
        if self.command.lower() == "all" or line.lower().startswith(self.command.lower()):
            return True
        try:
            return re.search(self.command, line, re.IGNORECASE) is not None
        except re.error:
            return False


@dataclass(slots=True)
class Holder:
    """A user (``gid`` -1) or a group (``uid`` -1) with its rules."""

    uid: int
    gid: int
    rules: list[Rule] = field(default_factory=list)


class Permissions:
    """Who may run what. The last rule that applies counts, a user's before its group's."""

    def __init__(self) -> None:
        self.default = True
        self.holders: list[Holder] = []

    def read(self, config: ConfigFile) -> None:
        """Take cli_permissions.conf in place of what was."""
        self.default = config.value("general", "default_perm", "permit").lower() == "permit"
        self.holders = []
        for section in config:
            if section.name.lower() == "general":
                continue
            try:
                if section.name.startswith("@"):
                    holder = Holder(-1, grp.getgrnam(section.name[1:]).gr_gid)
                else:
                    holder = Holder(pwd.getpwnam(section.name).pw_uid, -1)
            except KeyError:
                kind = "group" if section.name.startswith("@") else "user"
                log.warning("%s:%d: there is no %s %s", section.file, section.line, kind, section.name.lstrip("@"))
                continue
            holder.rules = list(_rules(section))
            self.holders.append(holder)

    def may_run(self, uid: int, gid: int, line: str) -> bool:
        """Whether that user may run that line; completion is always allowed."""
        if line.startswith("_"):
            return True
        of_user: bool | None = None
        of_group = self.default
        for holder in self.holders:
            for rule in holder.rules:
                if not rule.applies(line):
                    continue
                if holder.uid == uid >= 0:
                    of_user = rule.permit
                elif holder.gid == gid >= 0:
                    of_group = rule.permit
        return of_group if of_user is None else of_user


def _rules(section: Section) -> list[Rule]:
    rules = []
    for entry in section:
        if entry.name.lower() not in ("permit", "deny"):
            log.warning('%s:%d: "%s" is neither permit nor deny', entry.file, entry.line, entry.name)
        elif not entry.value:
            log.warning(
                "%s:%d: %s names no command; write all or the beginning of one", entry.file, entry.line, entry.name
            )
        else:
            rules.append(Rule(entry.name.lower() == "permit", entry.value))
    return rules


@module.on_load
def load(pbx: Any) -> None:
    """Read the file; without one everybody who can connect may do everything."""
    permissions = pbx.parts.setdefault("cli_permissions", Permissions())
    config = pbx.config.load("cli_permissions.conf", "cli_permissions")
    if config is not None:
        permissions.read(config)


module.on_reload(load)


@module.command("cli reload permissions", "Reload CLI permissions config")
def reload_permissions(request: Request) -> None:
    """Read cli_permissions.conf again."""
    if request.args:
        raise request.usage()
    load(request.pbx)


@module.command("cli show permissions", "Show CLI permissions")
def show_permissions(request: Request) -> None:
    """List users and groups with what they may and may not run."""
    if request.args:
        raise request.usage()
    for holder in request.pbx.parts["cli_permissions"].holders:
        if holder.uid >= 0:
            request.print(f"user: {pwd.getpwuid(holder.uid).pw_name} [uid={holder.uid}]")
        else:
            request.print(f"group: {grp.getgrgid(holder.gid).gr_name} [gid={holder.gid}]")
        request.print("Permissions:")
        request.print(*(f"\t{'permit' if rule.permit else 'deny'} -> {rule.command}" for rule in holder.rules), "")


@module.command(
    "cli check permissions {<user>|@<group>|<user>@<group>} <command>", "Try a permissions config for a user"
)
def check_permissions(request: Request) -> None:
    """Tell whether somebody may run a command."""
    if len(request.args) < 2:
        raise request.usage()
    who, line = request.args[0], " ".join(request.args[1:])
    user, _, group = who.partition("@")
    uid = gid = -1
    try:
        if user:
            uid = pwd.getpwnam(user).pw_uid
        if group:
            gid = grp.getgrnam(group).gr_gid
    except KeyError:
        raise CommandError(f"Unknown user or group '{who}'") from None
    if request.pbx.registry.command(request.args[1:]) is None:
        raise CommandError(f"Unknown command '{line}'")
    kind = ("User" if user else "Group") if not (user and group) else "User@group"
    shown = who if user else group
    allowed = "" if request.pbx.parts["cli_permissions"].may_run(uid, gid, line) else "not "
    request.print(f"{kind} '{shown}' is {allowed}allowed to run command '{line}'")
