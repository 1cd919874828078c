"""Menus: what sequences of digits do in a room."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PLAIN = (
    "toggle_mute",
    "toggle_binaural",
    "no_op",
    "increase_listening_volume",
    "decrease_listening_volume",
    "reset_listening_volume",
    "increase_talking_volume",
    "decrease_talking_volume",
    "reset_talking_volume",
    "admin_toggle_conference_lock",
    "admin_toggle_mute_participants",
    "participant_count",
    "admin_kick_last",
    "leave_conference",
    "set_as_single_video_src",
    "release_as_single_video_src",
)
PLAYBACK, PLAYBACK_AND_CONTINUE, DIALPLAN_EXEC = "playback", "playback_and_continue", "dialplan_exec"
_ARGUED = (PLAYBACK, PLAYBACK_AND_CONTINUE, DIALPLAN_EXEC)
DIGITS = re.compile(r"[0-9A-D*#]+", re.IGNORECASE)
_ACTION = re.compile(r"\s*([a-z_]+)\s*(?:\(([^()]*)\))?\s*(?:,|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a menu entry: prompts with & between, or a place in the dialplan, are its argument."""

    name: str
    argument: str = ""

    def place(self) -> tuple[str, str, int]:
        """Context, extension and priority of dialplan_exec."""
        context, exten, priority = (*self.argument.split(","), "", "")[:3]
        return context.strip(), exten.strip(), int(priority.strip() or 1)

    def __str__(self) -> str:
        if self.name == DIALPLAN_EXEC:
            return "{}({},{},{})".format(self.name, *self.place())
        return f"{self.name}({self.argument})" if self.argument else self.name


@dataclass(slots=True)
class Menu:
    """A menu: actions by the digits that start them, in the order of the file."""

    name: str
    entries: dict[str, tuple[Action, ...]] = field(default_factory=dict)

    def assign(self, digits: str, text: str) -> None:
        """Let digits do what a text says, instead of what they did. Raises ValueError with a sentence."""
        if not DIGITS.fullmatch(digits):
            raise ValueError(f'"{digits}" is no sequence of digits; write 0-9, A-D, * and #')
        actions = read_actions(text)
        self.entries.pop(digits.upper(), None)
        self.entries[digits.upper()] = actions

    def copy(self, name: str) -> Menu:
        """One like it, which may be changed."""
        return Menu(name, dict(self.entries))


def read_actions(text: str) -> tuple[Action, ...]:
    """``playback_and_continue(a&b),toggle_mute`` as actions. Raises ValueError with a sentence."""
    actions = []
    place = 0
    text = text.strip().rstrip(",")
    while place < len(text):
        found = _ACTION.match(text, place)
        if found is None:
            raise ValueError(f'"{text[place:].strip()}" is no action; write action or action(argument), commas between')
        actions.append(_action(found[1].lower(), found[2]))
        place = found.end()
    return tuple(actions)


def _action(name: str, argument: str | None) -> Action:
    if name in PLAIN:
        return Action(name)
    if name not in _ARGUED:
        raise ValueError(f'"{name}" is no action; there are {", ".join((*PLAIN, *_ARGUED))}')
    if not argument or not argument.strip():
        what = "context,exten,priority" if name == DIALPLAN_EXEC else "prompt&prompt"
        raise ValueError(f"{name} needs an argument: {name}({what})")
    action = Action(name, argument.strip())
    if name == DIALPLAN_EXEC:
        try:
            action.place()
        except ValueError:
            raise ValueError(f"{name}({argument}): the priority is a number") from None
    return action
