"""Where everything lives: the directories of asterisk.conf."""

from __future__ import annotations

import os

from offhook.config.model import ConfigFile

SEARCHED = ("/etc/offhook/asterisk.conf", "/etc/asterisk/asterisk.conf")
"""Where the main configuration file is looked for when none is named."""


_VARIABLES = {
    "ASTCACHEDIR": "cache",
    "ASTETCDIR": "etc",
    "ASTMODDIR": "modules",
    "ASTVARLIBDIR": "varlib",
    "ASTDBDIR": "varlib",
    "ASTKEYDIR": "keys",
    "ASTDATADIR": "data",
    "ASTAGIDIR": "agi",
    "ASTSPOOLDIR": "spool",
    "ASTRUNDIR": "run",
    "ASTLOGDIR": "log",
    "ASTSBINDIR": "sbin",
}


class Paths:
    """Directories and files; every name but the first two comes from [directories] and [files] of asterisk.conf."""

    __slots__ = (
        "agi",
        "astdb",
        "cache",
        "config_file",
        "control_group",
        "control_mode",
        "control_name",
        "control_owner",
        "data",
        "etc",
        "keys",
        "log",
        "modules",
        "monitor",
        "recording",
        "run",
        "sbin",
        "socket_override",
        "spool",
        "varlib",
    )

    def __init__(self, config_file: str = "") -> None:
        found = config_file or next((path for path in SEARCHED if os.path.exists(path)), SEARCHED[0])
        self.config_file = os.path.abspath(found)
        self.etc = os.path.dirname(self.config_file)
        name = "asterisk" if self.etc.endswith("/asterisk") else "offhook"
        self.varlib = f"/var/lib/{name}"
        self.data = self.varlib
        self.agi = f"/var/lib/{name}/agi-bin"
        self.cache = f"/var/cache/{name}"
        self.keys = f"/var/lib/{name}/keys"
        self.log = f"/var/log/{name}"
        self.modules = f"/usr/lib/{name}/modules"
        self.run = f"/run/{name}"
        self.sbin = "/usr/sbin"
        self.spool = f"/var/spool/{name}"
        self.monitor = f"{self.spool}/monitor"
        self.recording = f"{self.spool}/recording"
        self.astdb = f"{self.varlib}/astdb.sqlite3"
        self.control_name = "asterisk.ctl"
        self.control_mode = ""
        self.control_owner = ""
        self.control_group = ""
        self.socket_override = ""

    @property
    def socket(self) -> str:
        """The control socket."""
        return self.socket_override or os.path.join(self.run, self.control_name)

    @property
    def pid_file(self) -> str:
        return os.path.join(self.run, "asterisk.pid")

    @property
    def sounds(self) -> str:
        return os.path.join(self.data, "sounds")

    def config(self, name: str) -> str:
        """The full path of a configuration file."""
        return os.path.join(self.etc, name)

    def read(self, config: ConfigFile) -> None:
        """Take what asterisk.conf says; the order of its lines matters no more than in Asterisk."""
        given = section.pairs() if (section := config.get("directories")) else {}
        self.etc = given.get("astetcdir", self.etc)
        self.varlib = given.get("astvarlibdir", self.varlib)
        database = given.get("astdbdir", given.get("astvarlibdir", ""))
        if database:
            self.astdb = f"{database}/astdb.sqlite3"
        self.data = given.get("astdatadir", self.data)
        keys = given.get("astkeydir", given.get("astdatadir", ""))
        if keys:
            self.keys = f"{keys}/keys"
        self.agi = given.get("astagidir", self.agi)
        self.cache = given.get("astcachedir", self.cache)
        self.log = given.get("astlogdir", self.log)
        self.modules = given.get("astmoddir", self.modules)
        self.run = given.get("astrundir", self.run)
        self.sbin = given.get("astsbindir", self.sbin)
        if "astspooldir" in given:
            self.spool = given["astspooldir"]
            self.monitor = f"{self.spool}/monitor"
            self.recording = f"{self.spool}/recording"
        files = section.pairs() if (section := config.get("files")) else {}
        self.control_name = files.get("astctl", self.control_name)
        self.control_mode = files.get("astctlpermissions", "")
        self.control_owner = files.get("astctlowner", "")
        self.control_group = files.get("astctlgroup", "")

    def variable(self, name: str) -> str | None:
        """The directory that a dialplan variable such as ASTETCDIR names; None when it names none."""
        attribute = _VARIABLES.get(name)
        found: str | None = getattr(self, attribute) if attribute else None
        return found

    def environment(self) -> dict[str, str]:
        """What programs started by the daemon find in their environment."""
        return {
            "AST_CONFIG_DIR": self.etc,
            "AST_CONFIG_FILE": self.config_file,
            "AST_MODULE_DIR": self.modules,
            "AST_SPOOL_DIR": self.spool,
            "AST_MONITOR_DIR": self.monitor,
            "AST_VAR_DIR": self.varlib,
            "AST_DATA_DIR": self.data,
            "AST_LOG_DIR": self.log,
            "AST_AGI_DIR": self.agi,
            "AST_KEY_DIR": self.keys,
            "AST_RUN_DIR": self.run,
        }
