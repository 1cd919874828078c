"""What the console shows of queues and does to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.modules import CommandError, Request
from offhook.services.queues.callers import Done, change_priority
from offhook.services.queues.member import Member
from offhook.services.queues.membership import Result, add, pause, remove, set_penalty, set_ringinuse
from offhook.services.queues.module import module
from offhook.services.queues.queues import queues_of
from offhook.services.queues.realtime import fetch, fetch_all
from offhook.services.queues.reloading import ALL, Parts, read, reset
from offhook.services.queues.showing import rule_lines, shown

if TYPE_CHECKING:
    from collections.abc import Callable

_BY = "CLI"
_SUGGESTED_PENALTIES = 100


def _names(pbx: Any) -> list[str]:
    return [queue.name for queue in queues_of(pbx)]


def _interfaces(pbx: Any) -> list[str]:
    found = (member.interface for queue in queues_of(pbx) for member in queue.members.values())
    return list(dict.fromkeys(found))


def _of(pbx: Any, interface: str) -> list[str]:
    return [queue.name for queue in queues_of(pbx) if queue.member(interface) is not None]


def _sequence(
    *places: str | Callable[[Any, list[str]], Iterable[str]],
) -> Callable[[Any, list[str], str], Iterable[str]]:
    """Completes arguments one after the other: words, or what a function of the words before finds."""

    def complete(pbx: Any, words: list[str], _typed: str) -> Iterable[str]:
        if len(words) >= len(places):
            return ()
        place = places[len(words)]
        return (place,) if isinstance(place, str) else place(pbx, words)

    return complete


def _nothing(_pbx: Any, _words: list[str]) -> Iterable[str]:
    return ()


# ---- showing ------------------------------------------------------------------------------------------------


@module.command(
    "queue show [queue]",
    "Show status of a specified queue",
    complete=_sequence(lambda pbx, _words: [*_names(pbx), "rules"]),
)
async def show(request: Request) -> None:
    """Show queues with their members and callers, or one of them."""
    if len(request.args) > 1:
        raise request.usage()
    name = request.args[0] if request.args else ""
    queues = queues_of(request.pbx)
    if name:
        await fetch(queues, name)
    else:
        await fetch_all(queues)
    request.print(*shown(queues, name))


@module.command(
    "queue show rules [rulename]",
    "Show the rules defined in queuerules.conf",
    complete=_sequence(lambda pbx, _words: [rule.name for rule in queues_of(pbx).rules.values()]),
)
def show_rules(request: Request) -> None:
    """Show how penalties change with the time a caller waits."""
    if len(request.args) > 1:
        raise request.usage()
    request.print(*rule_lines(queues_of(request.pbx).rules, request.args[0] if request.args else ""))


# ---- members ------------------------------------------------------------------------------------------------

_ADD_WORDS = ("to", "penalty", "as", "state_interface", "paused")


@module.command(
    "queue add member <dial string> to <queue> [[[penalty <penalty>] as <membername>] state_interface <interface>] "
    "[paused <reason>]",
    "Add a channel to a specified queue",
    complete=_sequence(
        _nothing,
        "to",
        lambda pbx, _words: _names(pbx),
        "penalty",
        lambda _pbx, _words: map(str, range(_SUGGESTED_PENALTIES)),
        "as",
        _nothing,
        "state_interface",
        _nothing,
        "paused",
    ),
)
async def add_member(request: Request) -> None:
    """Add a member to a queue until it is removed.

    Each further word needs those before it.
    """
    args = request.args
    if len(args) not in (3, 5, 7, 9, 11) or tuple(args[1::2]) != _ADD_WORDS[: len(args) // 2]:
        raise request.usage()
    interface, _, name, *rest = args
    penalty, membername, state, reason = (*rest[1::2], "", "", "", "")[:4]
    if penalty and not penalty.isdigit():
        request.print("Penalty must be an integer >= 0")
        penalty = ""
    member = Member(interface, membername, int(penalty or 0), state, paused=len(args) == 11, reason=reason)
    queues = queues_of(request.pbx)
    await fetch(queues, name)
    result = add(queues, name, member, _BY)
    if result is Result.ALREADY:
        raise CommandError(f"Unable to add interface '{interface}' to queue '{name}': Already there")
    if result is Result.NO_QUEUE:
        raise CommandError(f"Unable to add interface to queue '{name}': No such queue")
    request.print(f"Added interface '{interface}' to queue '{name}'")


@module.command(
    "queue remove member <channel> from <queue>",
    "Removes a channel from a specified queue",
    complete=_sequence(lambda pbx, _words: _interfaces(pbx), "from", lambda pbx, words: _of(pbx, words[0])),
)
def remove_member(request: Request) -> None:
    """Take a dynamic member out of a queue."""
    if len(request.args) != 3 or request.args[1] != "from":
        raise request.usage()
    interface, _, name = request.args
    result = remove(queues_of(request.pbx), name, interface, _BY)
    if result is Result.NOT_THERE:
        raise CommandError(f"Unable to remove interface '{interface}' from queue '{name}': Not there")
    if result is Result.NO_QUEUE:
        raise CommandError(f"Unable to remove interface from queue '{name}': No such queue")
    if result is Result.NOT_DYNAMIC:
        raise CommandError(f"Unable to remove interface '{interface}' from queue '{name}': Member is not dynamic")
    request.print(f"Removed interface {interface} from queue '{name}'")


_COMPLETE_PAUSE = _sequence(
    lambda pbx, _words: _interfaces(pbx), "queue", lambda pbx, words: _of(pbx, words[0]), "reason"
)


@module.command(
    "queue pause member <member> [queue <queue> [reason <reason>]]", "Pause a queue member", complete=_COMPLETE_PAUSE
)
def pause_member(request: Request) -> None:
    """Pause a member, in all its queues unless one is named."""
    _pause(request, on=True)


@module.command(
    "queue unpause member <member> [queue <queue> [reason <reason>]]",
    "Unpause a queue member",
    complete=_COMPLETE_PAUSE,
)
def unpause_member(request: Request) -> None:
    """Let a paused member get calls again, in all its queues unless one is named."""
    _pause(request, on=False)


def _pause(request: Request, *, on: bool) -> None:
    args = request.args
    if len(args) not in (1, 3, 5) or tuple(args[1::2]) != ("queue", "reason")[: len(args) // 2]:
        raise request.usage()
    interface, *rest = args
    name, reason = (*rest[1::2], "", "")[:2]
    about = f"interface '{interface}'" + (f" in queue '{name}'" if name else "")
    about += f" for reason '{reason}'" if reason else ""
    word = "pause" if on else "unpause"
    if not pause(queues_of(request.pbx), name, interface, reason, on):
        raise CommandError(f"Unable to {word} {about}")
    request.print(f"{word}d {about}")


_COMPLETE_SET = ("on", lambda pbx, _words: _interfaces(pbx), "in", lambda pbx, words: _of(pbx, words[2]))


def _setting(request: Request) -> tuple[str, str, str]:
    """Value, interface and queue of "value on interface [in queue]"."""
    args = request.args
    if len(args) not in (3, 5) or args[1] != "on" or (len(args) == 5 and args[3] != "in"):
        raise request.usage()
    return args[0], args[2], args[4] if len(args) == 5 else ""


@module.command(
    "queue set penalty <penalty> on <interface> [in <queue>]",
    "Set penalty for a channel of a specified queue",
    complete=_sequence(lambda _pbx, _words: map(str, range(_SUGGESTED_PENALTIES)), *_COMPLETE_SET),
)
def penalty_command(request: Request) -> None:
    """Give a member a penalty, in all its queues unless one is named."""
    value, interface, name = _setting(request)
    if not value.lstrip("-").isdigit():
        raise request.usage()
    about = f"penalty on interface '{interface}' from queue '{name or 'all'}'"
    if not set_penalty(queues_of(request.pbx), name, interface, int(value)):
        raise CommandError(f"Failed to set {about}")
    request.print(f"Set {about}")


@module.command(
    "queue set ringinuse <yes/no> on <interface> [in <queue>]",
    "Set ringinuse for a channel of a specified queue",
    complete=_sequence(lambda _pbx, _words: ("yes", "no"), *_COMPLETE_SET),
)
def ringinuse_command(request: Request) -> None:
    """Have a member called while it talks, or not, in all its queues unless one is named."""
    value, interface, name = _setting(request)
    if value.lower() not in TRUE_WORDS and value.lower() not in FALSE_WORDS:
        raise request.usage()
    about = f"ringinuse on interface '{interface}' from queue '{name or 'all'}'"
    if not set_ringinuse(queues_of(request.pbx), name, interface, value.lower() in TRUE_WORDS):
        raise CommandError(f"Failed to set {about}")
    request.print(f"Set {about}")


# ---- callers ------------------------------------------------------------------------------------------------


def _callers(pbx: Any, _words: list[str]) -> list[str]:
    return [entry.channel.name for queue in queues_of(pbx) for entry in queue.line.entries]


def _queues_of_caller(pbx: Any, words: list[str]) -> list[str]:
    return [queue.name for queue in queues_of(pbx) if queue.line.find(words[0]) is not None]


@module.command(
    "queue priority caller <channel> on <queue> to <priority> [immediate]",
    "Change priority caller on queue",
    complete=_sequence(_callers, "on", _queues_of_caller, "to", _nothing, "immediate"),
)
def priority_command(request: Request) -> None:
    """Give a caller another priority; immediate puts it where it belongs then."""
    args = request.args
    immediate = len(args) == 6 and args[5] == "immediate"
    if (len(args) != 5 and not immediate) or args[1] != "on" or args[3] != "to" or not args[4].lstrip("-").isdigit():
        raise request.usage()
    caller, name = args[0], args[2]
    done = change_priority(queues_of(request.pbx), name, caller, int(args[4]), at_once=immediate)
    if done is Done.NO_QUEUE:
        raise CommandError(f"Unable to change priority of caller '{caller}' on queue '{name}': No such queue")
    if done is Done.NO_CALLER:
        raise CommandError(f"Unable to change priority caller '{caller}' on queue '{name}': Not there")


# ---- files and figures --------------------------------------------------------------------------------------


def _other_names(pbx: Any, words: list[str], _typed: str) -> Iterable[str]:
    return (name for name in _names(pbx) if name not in words)


@module.command("queue reset stats [queuenames]", "Reset statistics for a queue", complete=_other_names)
def reset_command(request: Request) -> None:
    """Forget what was counted, of all queues unless some are named."""
    for name in request.args or [""]:
        if not reset(queues_of(request.pbx), name):
            raise CommandError(f"No such queue: {name}.")


def _reload_command(word: str, parts: Parts, text: str) -> None:
    @module.command(f"queue reload {word} [queuenames]", text, complete=_other_names)
    async def run(request: Request) -> None:
        """Read queues.conf or queuerules.conf again, for all queues unless some are named. Callers stay in line."""
        for name in request.args or [""]:
            if not await read(queues_of(request.pbx), parts, name):
                raise CommandError("queues.conf cannot be read; the queues stay as they were")


_reload_command("parameters", Parts(parameters=True), "Reload the options of queues")
_reload_command("members", Parts(members=True), "Reload the static members of queues")
_reload_command("rules", Parts(rules=True), "Reload queuerules.conf")
_reload_command("all", ALL, "Reload queues, members, queue rules, and parameters")
