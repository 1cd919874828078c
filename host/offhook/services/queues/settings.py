"""queues.conf: the options of [general] and of queues, declared once, and what they are for one queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.config.options import Kind, Schema, choice, flag, integer, string, words
from offhook.services.queues.empty import NEVER, Conditions, conditions

if TYPE_CHECKING:
    from offhook.config.model import ConfigError, Entry, Section

FILE = "queues.conf"
SCHEMA = Schema("app_queue", FILE, "call queues and their members")

RINGALL, LEASTRECENT, FEWESTCALLS, RANDOM = "ringall", "leastrecent", "fewestcalls", "random"
RRMEMORY, RRORDERED, LINEAR, WRANDOM = "rrmemory", "rrordered", "linear", "wrandom"
STRATEGIES = (RINGALL, LEASTRECENT, FEWESTCALLS, RANDOM, RRMEMORY, RRORDERED, LINEAR, WRANDOM)
_MOST_ANNOUNCEMENTS = 10


def truth_or(*others: str) -> Kind:
    """yes, no, or one of some other words: its value is the word."""

    def parse(text: str) -> str:
        word = text.strip().lower()
        if word in others:
            return word
        if word in TRUE_WORDS:
            return "yes"
        if word in FALSE_WORDS:
            return "no"
        raise ValueError(f'"{text}" is not one of yes, no, {", ".join(others)}')

    return Kind(f"yes, no, {', '.join(others)}", parse)


def _rounding() -> Kind:
    inner = choice("0", "5", "10", "15", "20", "30")
    return Kind(f"{inner.phrase}, in seconds", lambda text: int(inner.parse(text)))


def _announcements() -> Kind:
    inner = words()
    return Kind(
        f"up to {_MOST_ANNOUNCEMENTS} {inner.phrase}",
        lambda text: tuple(inner.parse(text)[:_MOST_ANNOUNCEMENTS]),
        ",".join,
    )


@dataclass(slots=True)
class General:
    """Options of [general], for all queues."""

    persistentmembers: bool = False
    autofill: bool = False
    monitor_type: str = "mixmonitor"
    shared_lastcall: bool = False
    negative_penalty_invalid: bool = False
    log_membername_as_agent: bool = False
    log_caller_id_name: bool = False
    log_restricted_caller_id: bool = True
    force_longest_waiting_caller: str = "no"
    log_unpause_on_reason_change: bool = False


@dataclass(slots=True)
class Settings:
    """Options of one queue; times in seconds, prompts by name ("" plays nothing)."""

    musicclass: str = ""
    announce: str = ""
    strategy: str = RINGALL
    servicelevel: int = 0
    context: str = ""
    penaltymemberslimit: int = 0
    timeout: int = 15
    retry: int = 5
    timeoutpriority: str = "app"
    timeoutrestart: bool = False
    weight: int = 0
    wrapuptime: int = 0
    autofill: bool = False
    autopause: str = "no"
    autopausedelay: int = 0
    autopausebusy: bool = False
    autopauseunavail: bool = False
    maxlen: int = 0
    ringinuse: bool = True
    memberdelay: int = 0
    reportholdtime: bool = False
    setinterfacevar: bool = False
    setqueueentryvar: bool = False
    setqueuevar: bool = False
    membergosub: str = ""
    defaultrule: str = ""
    joinempty: Conditions = NEVER
    leavewhenempty: Conditions = NEVER
    monitor_format: str = ""
    log_restricted_caller_id: bool = True
    announce_frequency: int = 0
    min_announce_frequency: int = 15
    announce_holdtime: str = "yes"
    announce_position: str = "yes"
    announce_position_only_up: bool = False
    announce_position_limit: int = 10
    announce_round_seconds: int = 0
    announce_to_first_user: bool = False
    periodic_announce: tuple[str, ...] = ("queue-periodic-announce",)
    periodic_announce_frequency: int = 0
    periodic_announce_startdelay: int = -1
    random_periodic_announce: bool = False
    relative_periodic_announce: bool = False
    queue_youarenext: str = "queue-youarenext"
    queue_thereare: str = "queue-thereare"
    queue_callswaiting: str = "queue-callswaiting"
    queue_quantity1: str = "queue-quantity1"
    queue_quantity2: str = "queue-quantity2"
    queue_holdtime: str = "queue-holdtime"
    queue_minute: str = "queue-minute"
    queue_minutes: str = "queue-minutes"
    queue_seconds: str = "queue-seconds"
    queue_thankyou: str = "queue-thankyou"
    queue_callerannounce: str = ""
    queue_reporthold: str = "queue-reporthold"


_GENERAL_ROWS: tuple[tuple[str, Kind, str], ...] = (
    ("persistentmembers", flag(), "Dynamic members are kept in the AstDB over a restart."),
    ("autofill", flag(), "Default of autofill for queues."),
    ("monitor-type", choice("mixmonitor"), "What records calls; there is only MixMonitor."),
    ("shared_lastcall", flag(), "A member's last call counts in all its queues, for wrapuptime too."),
    ("negative_penalty_invalid", flag(), "Members of databases with a negative penalty are logged off."),
    ("log_membername_as_agent", flag(), "Name members in queue_log when they come and go, not their interface."),
    ("log-caller-id-name", flag(), "Callers' names are in queue_log, too."),
    ("log-restricted-caller-id", flag(), "Default of log-restricted-caller-id for queues."),
    (
        "force_longest_waiting_caller",
        truth_or("prio"),
        "A member of several queues gets the caller who has waited longest in any; prio: whose priority is highest.",
    ),
    ("log_unpause_on_reason_change", flag(), "Another reason for a pause begins it anew in queue_log."),
)

_ROWS: tuple[tuple[str, Kind, str], ...] = (
    ("musicclass", string(), "Music on hold class."),
    ("announce", string(), "Prompts, with & between, that a member hears after answering."),
    ("strategy", choice(*STRATEGIES, aliases={"roundrobin": RRMEMORY}), "Who is called first."),
    ("servicelevel", integer(0, unit="s"), "Calls answered within this time are counted apart."),
    ("context", string(), "Callers may leave by dialling an extension of this context."),
    ("penaltymemberslimit", integer(0), "With so many members or fewer penalties do not count."),
    ("timeout", integer(0, unit="s"), "So long members ring; 0 is for ever."),
    ("retry", integer(1, unit="s"), "Pause before members are called again."),
    ("timeoutpriority", choice("app", "conf"), "Whether Queue()'s timeout cuts a member's ringing short (app)."),
    ("timeoutrestart", flag(), "The next member rings the whole timeout after one that is busy."),
    ("weight", integer(), "Queues with a higher weight get members first."),
    ("wrapuptime", integer(0, unit="s"), "A member gets no call so long after one."),
    ("autofill", flag(), "Callers behind the first are served while it rings for that one."),
    ("autopause", truth_or("all"), "A member who does not answer is paused, here or in all queues."),
    ("autopausedelay", integer(0, unit="s"), "But not within so long after a call."),
    ("autopausebusy", flag(), "Also a member who is busy."),
    ("autopauseunavail", flag(), "Also a member who cannot be reached."),
    ("maxlen", integer(0), "So many callers may wait; 0 is no limit."),
    ("ringinuse", flag(), "Members who talk are called."),
    ("memberdelay", integer(0, unit="s"), "Pause before a member who answered hears anything."),
    ("reportholdtime", flag(), "Tell the member how long the caller has waited."),
    ("setinterfacevar", flag(), "Set MEMBERINTERFACE, MEMBERNAME and others on both channels."),
    ("setqueueentryvar", flag(), "Set QEHOLDTIME and QEORIGINALPOS on both channels."),
    ("setqueuevar", flag(), "Set QUEUENAME, QUEUECALLS and others on both channels, and on leaving."),
    ("membergosub", string(), "context[,arguments] of a subroutine for the member's channel."),
    ("defaultrule", string(), "Rule of queuerules.conf where Queue() names none."),
    ("joinempty", conditions(joining=True), "Members who do not count; with none left nobody may join."),
    ("leavewhenempty", conditions(joining=False), "Members who do not count; with none left callers leave."),
    ("monitor-format", string(), "Record calls in this format."),
    ("log-restricted-caller-id", flag(), "Numbers that are not to be shown are in queue_log."),
    ("announce-frequency", integer(0, unit="s"), "How often callers hear their position; 0 is never."),
    ("min-announce-frequency", integer(0, unit="s"), "But not more often than this."),
    ("announce-holdtime", truth_or("once"), "Whether they hear how long it will take."),
    ("announce-position", truth_or("limit", "more"), "limit: only up to the limit; more: above it 'more than'."),
    ("announce-position-only-up", flag(), "Only when the position is a better one."),
    ("announce-position-limit", integer(0), "That limit."),
    ("announce-round-seconds", _rounding(), "Seconds are told in steps of this; 0 tells minutes only."),
    ("announce-to-first-user", flag(), "The first in line hears announcements, too."),
    ("periodic-announce", _announcements(), "Prompts heard in turn."),
    ("periodic-announce-frequency", integer(0, unit="s"), "How often; 0 is never."),
    ("periodic-announce-startdelay", integer(-1, unit="s"), "When for the first time; -1 is after the frequency."),
    ("random-periodic-announce", flag(), "Any of them instead of the next."),
    ("relative-periodic-announce", flag(), "Counted from the end of the last one."),
    ("queue-youarenext", string(), "You are first in line."),
    ("queue-thereare", string(), "There are, before the position."),
    ("queue-callswaiting", string(), "Calls waiting, after the position."),
    ("queue-quantity1", string(), "Currently there are more than, before the limit."),
    ("queue-quantity2", string(), "Callers waiting, after the limit."),
    ("queue-holdtime", string(), "The estimated hold time is."),
    ("queue-minute", string(), "Minute."),
    ("queue-minutes", string(), "Minutes."),
    ("queue-seconds", string(), "Seconds."),
    ("queue-thankyou", string(), "Thank you for your patience."),
    ("queue-callerannounce", string(), "Heard by the caller right before a member."),
    ("queue-reporthold", string(), "Hold time, before it is told to the member."),
)
_ALIASES = {"musicclass": ("music", "musiconhold")}

_general = SCHEMA.type("general", "All queues.")
for _name, _kind, _text in _GENERAL_ROWS:
    _general.option(_name, _kind, getattr(General(), _name.replace("-", "_")), _text)

_queue = SCHEMA.type("queue", "A queue; its section has its name.")
for _name, _kind, _text in _ROWS:
    _queue.option(_name, _kind, getattr(Settings(), _name.replace("-", "_")), _text, aliases=_ALIASES.get(_name, ()))
_queue.option(
    "member",
    string(),
    (),
    "interface[,penalty[,name[,state interface[,ringinuse[,wrapuptime[,paused]]]]]] of a member.",
    many=True,
)


def is_option(name: str) -> bool:
    """Whether a queue has an option of that name."""
    return _queue.find(name) is not None


def read_general(section: Section | None, errors: list[ConfigError]) -> General:
    """[general] of queues.conf; what is wrong is added to ``errors`` and keeps its default."""
    return General(**_fields(_general.apply(section, errors)))


def read_settings(entries: Section | Sequence[Entry], general: General, errors: list[ConfigError]) -> Settings:
    """A queue's options; what is wrong is added to ``errors`` and keeps its default."""
    base = {"autofill": general.autofill, "log-restricted-caller-id": general.log_restricted_caller_id}
    values = _queue.apply(entries, errors, base)
    del values["member"]
    return Settings(**_fields(values))


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in values.items()}
