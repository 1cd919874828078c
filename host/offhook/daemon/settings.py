"""What asterisk.conf and the command line say about the daemon itself.

Imported by the remote console too: keep it light.
"""

from __future__ import annotations

import getopt
import os
import sys

from offhook.config.model import FALSE_WORDS, TRUE_WORDS, ConfigError, ConfigFile
from offhook.config.parser import load
from offhook.config.paths import Paths

SWITCHES = "BC:cde:FfG:ghIiL:M:mnpqRrs:TtU:VvWXx:"

HELP = """\
Usage: offhook [options]
       offhook -r [options]          console of a running Offhook
       offhook -rx "command"         one command to a running Offhook

  -V           print the version and end
  -C <file>    read this main configuration file instead of asterisk.conf in /etc/offhook or /etc/asterisk
  -c           stay in the foreground, with a console
  -f           stay in the foreground
  -F           go to the background even if verbose or debug messages are on
  -v  -d       more verbose, more debug messages; may be repeated
  -T           times before every line of verbose output
  -m           no log on the console
  -q           no output at all while starting
  -n           no colours
  -B  -W       terminal with a black, a white background
  -U <user>    run as this user
  -G <group>   run as this group
  -p           run with real-time priority
  -g           dump core on a crash
  -e <MB>      take no new calls with less free memory than this
  -L <load>    take no new calls above this load average
  -M <number>  the most calls at once
  -i           ask for the pass phrases of crypto keys at start
  -t           record in /tmp first and move recordings when they are complete
  -X           allow #exec in asterisk.conf
  -r           console of a running Offhook
  -R           the same, and connect again whenever the connection is lost
  -s <socket>  the control socket to connect to, with -r
  -x <command> have a running Offhook carry out one command
  -h           this help
"""


class Settings:
    """The daemon's options after asterisk.conf and the command line; the names of [options] where there is one."""

    def __init__(self) -> None:
        self.paths = Paths()
        self.errors: list[ConfigError] = []
        self.found = False
        """Whether asterisk.conf was there."""
        # [options]
        self.verbose = 0
        self.debug = 0
        self.alwaysfork = False
        self.nofork = False
        self.quiet = False
        self.timestamp = False
        self.execincludes = False
        self.console = False
        self.highpriority = False
        self.initcrypto = False
        self.nocolor = False
        self.dontwarn = False
        self.dumpcore = False
        self.languageprefix = True
        self.systemname = ""
        self.autosystemname = False
        self.mindtmfduration = 80
        self.maxcalls = 0
        self.maxload = 0.0
        self.maxfiles = 0
        self.minmemfree = 0
        self.cache_media_frames = True
        self.cache_record_files = False
        self.record_cache_dir = "/tmp"
        self.transmit_silence = False
        self.transcode_via_sln = True
        self.runuser = ""
        self.rungroup = ""
        self.lightbackground = False
        self.forceblackbackground = False
        self.defaultlanguage = "en"
        self.documentation_language = "en_US"
        self.hideconnect = False
        self.lockconfdir = False
        self.stdexten = "gosub"
        self.live_dangerously = False
        self.entityid = ""
        self.rtp_use_dynamic = True
        self.rtp_pt_dynamic = 35
        self.hide_messaging_ami_events = False
        self.sounds_search_custom_dir = False
        self.channel_storage_backend = "ao2_legacy"
        self.disable_remote_console_shell = False
        self.lockmode = "lockfile"
        # command line only
        self.mute = False
        self.remote = False
        self.reconnect = False
        self.execute: str | None = None
        self.show_version = False
        self.show_help = False

    def read(self, config: ConfigFile) -> None:
        """Take the [options] of asterisk.conf."""
        for entry in config.get("options") or ():
            name = {"transmit_silence_during_record": "transmit_silence"}.get(entry.name.lower(), entry.name.lower())
            old = vars(self).get(name) if name in OPTIONS else None
            word = entry.value.strip().lower()
            try:
                if old is None:
                    raise ValueError(f'unknown option "{entry.name}"; it has no effect')
                if name == "debug" and word in TRUE_WORDS | FALSE_WORDS and not word.isdigit():
                    setattr(self, name, int(word in TRUE_WORDS))
                elif isinstance(old, bool):
                    if word not in TRUE_WORDS | FALSE_WORDS:
                        raise ValueError(f'"{entry.value}" for {entry.name} is neither yes nor no')
                    setattr(self, name, word in TRUE_WORDS)
                elif isinstance(old, int | float):
                    number = type(old)(entry.value)
                    if number < 0:
                        raise ValueError(f"{entry.name} must not be negative")
                    setattr(self, name, number)
                else:
                    setattr(self, name, entry.value)
            except ValueError as error:
                text = str(error)
                if text.startswith(("invalid literal", "could not convert")):
                    text = f'"{entry.value}" for {entry.name} is no number'
                self.errors.append(ConfigError(entry.file, entry.line, text))
        if self.autosystemname:
            self.systemname = os.uname().nodename or self.systemname or "localhost"


OPTIONS = frozenset(vars(Settings())) - {
    "errors",
    "execute",
    "found",
    "mute",
    "paths",
    "reconnect",
    "remote",
    "show_help",
    "show_version",
}
"""Names that [options] may use."""


def settle(arguments: list[str], program: str = "offhook") -> Settings:
    """Read the command line and asterisk.conf; the command line wins. Raises getopt.GetoptError."""
    switches, _rest = getopt.gnu_getopt(arguments, SWITCHES)
    settings = Settings()
    letters = {switch[1] for switch, _value in switches}
    settings.show_version = "V" in letters
    settings.show_help = "h" in letters
    settings.remote = bool(letters & {"r", "R", "x"}) or "rasterisk" in program or "roffhook" in program
    named = next((value for switch, value in reversed(switches) if switch == "-C"), "")
    settings.paths = Paths(named)
    if settings.show_version or settings.show_help:
        return settings
    try:
        config = load(settings.paths.config_file, etc_dir=settings.paths.etc, exec_includes="X" in letters)
    except FileNotFoundError:
        print(
            f"Unable to open specified master config file '{settings.paths.config_file}', using built-in defaults",
            file=sys.stderr,
        )
    else:
        settings.found = True
        settings.errors.extend(config.errors)
        settings.paths.read(config)
        settings.read(config)
    _command_line(settings, switches)
    return settings


def _command_line(settings: Settings, switches: list[tuple[str, str]]) -> None:
    flags = {
        "c": ("console", "nofork"),
        "F": ("alwaysfork",),
        "f": ("nofork",),
        "g": ("dumpcore",),
        "i": ("initcrypto",),
        "m": ("mute",),
        "n": ("nocolor",),
        "p": ("highpriority",),
        "q": ("quiet",),
        "R": ("reconnect",),
        "T": ("timestamp",),
        "t": ("cache_record_files",),
        "B": ("forceblackbackground",),
        "W": ("lightbackground",),
    }
    letters = [switch[1] for switch, _value in switches]
    settings.verbose = max(settings.verbose, letters.count("v"))
    settings.debug = max(settings.debug, letters.count("d"))
    for letter, value in ((switch[1], value) for switch, value in switches):
        for name in flags.get(letter, ()):
            setattr(settings, name, True)
        if letter == "x":
            settings.execute = value
            settings.nocolor = True
        elif letter == "s":
            settings.paths.socket_override = os.path.abspath(value)
        elif letter == "U":
            settings.runuser = value
        elif letter == "G":
            settings.rungroup = value
        elif letter == "L":
            settings.maxload = max(0.0, _number(value))
        elif letter == "M":
            settings.maxcalls = max(0, int(_number(value)))
        elif letter == "e":
            settings.minmemfree = max(0, int(_number(value)))
    if settings.remote:
        settings.console = False
    elif settings.console:
        settings.nofork = True
        settings.alwaysfork = False


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
