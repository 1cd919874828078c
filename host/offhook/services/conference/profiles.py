"""User and bridge profiles: the options of confbridge.conf, declared once, and what they are for one caller or room."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from offhook.config.options import Kind, Schema, choice, flag, integer, string

if TYPE_CHECKING:
    from offhook.config.options import Option, Type

FILE = "confbridge.conf"
DEFAULT_USER, DEFAULT_BRIDGE, DEFAULT_MENU = "default_user", "default_bridge", "default_menu"
SCHEMA = Schema("app_confbridge", FILE, "conference rooms: profiles of callers and of rooms, menus")

SOUNDS = {
    "only_person": ("conf-onlyperson", "Told to whoever is alone."),
    "only_one": ("conf-onlyone", "Told when there is one other."),
    "has_joined": ("conf-hasjoin", "Follows the name of somebody who comes."),
    "has_left": ("conf-hasleft", "Follows the name of somebody who goes."),
    "kicked": ("conf-kicked", "Told to whoever is thrown out."),
    "muted": ("conf-muted", "Told to whoever has muted himself."),
    "unmuted": ("conf-unmuted", "Told when that ends."),
    "binaural_on": ("confbridge-binaural-on", "Kept; rooms are not binaural."),
    "binaural_off": ("confbridge-binaural-off", "Kept; rooms are not binaural."),
    "there_are": ("conf-thereare", "Stands before the number of others."),
    "other_in_party": ("conf-otherinparty", "Stands behind the number of others."),
    "place_into_conference": ("conf-placeintoconf", "Kept and not played, as in Asterisk; see sound_begin."),
    "wait_for_leader": ("conf-waitforleader", "Told to whoever waits for a marked user."),
    "leader_has_left": ("conf-leaderhasleft", "Told to all when the last marked user leaves."),
    "get_pin": ("conf-getpin", "Asks for the PIN."),
    "invalid_pin": ("conf-invalidpin", "Told after a wrong PIN."),
    "locked": ("conf-locked", "Told to whoever finds the room locked or full."),
    "unlocked_now": ("conf-unlockednow", "Told to the admin who unlocks the room."),
    "locked_now": ("conf-lockednow", "Told to the admin who locks the room."),
    "error_menu": ("conf-errormenu", "Told to whoever may not do what was dialled."),
    "join": ("confbridge-join", "Heard by all when somebody comes."),
    "leave": ("confbridge-leave", "Heard by all when somebody goes."),
    "participants_muted": ("conf-now-muted", "Heard by all when an admin mutes everybody else."),
    "participants_unmuted": ("conf-now-unmuted", "Heard by all when that ends."),
    "begin": ("confbridge-conf-begin", "Heard by all when the first marked user comes to those who wait."),
}
"""What is played when: name behind ``sound_`` in the file, prompt where nothing is written, what for."""


def _count_kind() -> Kind:
    """yes, no, or a number of users above which it happens: its value is that number, None for no."""
    truth = flag()

    def parse(text: str) -> int | None:
        word = text.strip()
        if word.isdigit() and word not in ("0", "1"):
            return int(word)
        try:
            return 0 if truth.parse(word) else None
        except ValueError:
            raise ValueError(f'"{text}" is neither yes, no, nor a number of users') from None

    return Kind("yes, no or a number of users", parse, lambda value: "no" if value is None else str(value or "yes"))


def _rate_kind(word: str) -> Kind:
    """A rate from 8000 to 192000, or a word for none: its value is 0 then."""
    rate = integer(8000, 192_000, "Hz")

    def parse(text: str) -> int:
        return 0 if text.strip().lower() == word else int(rate.parse(text))

    return Kind(f"{word}, or {rate.phrase}", parse, lambda value: str(value or word))


def _interval_kind() -> Kind:
    inner = choice("10", "20", "40", "80")
    return Kind(f"{inner.phrase}, in ms", lambda text: int(inner.parse(text)))


_user = SCHEMA.type("user", "A profile of callers (type = user).")
_user.option("type", string(), "user", "What the section is: user, bridge or menu.")
_user.option("admin", flag(), False, "May use the menu's admin actions, and comes in when the room is locked or full.")
_user.option("send_events", flag(), False, "Is told of comings and goings in text messages; see enable_events.")
_user.option("echo_events", flag(), False, "Is told of what it does itself, too.")
_user.option("marked", flag(), False, "Is one that others wait for (wait_marked).")
_user.option("startmuted", flag(), False, "Comes in muted.")
_user.option("music_on_hold_when_empty", flag(), False, "Hears music while alone or waiting.")
_user.option("quiet", flag(), False, "Hears no prompts on entering, and none are played for it.")
_user.option("hear_own_join_sound", flag(), True, "Hears sound_join on entering, not only the others.")
_user.option("announce_user_count_all", _count_kind(), None, "All are told how many there are when it comes.")
_user.option("announce_user_count", flag(), False, "Is told how many there are when it comes.")
_user.option("announce_only_user", flag(), True, "Is told when it is the only one.")
_user.option("wait_marked", flag(), False, "Is heard only while a marked user is there.")
_user.option("end_marked", flag(), False, "Is thrown out when the last marked user leaves.")
_user.option("end_marked_any", flag(), False, "Is thrown out when any marked user leaves, even if marked itself.")
_user.option("talk_detection_events", flag(), False, "Manager events tell when it begins and stops talking.")
_user.option("dtmf_passthrough", flag(), False, "Digits that are no menu entry go to all others.")
_user.option("announce_join_leave", flag(), False, "Says its name before, which all hear when it comes and goes.")
_user.option("announce_join_leave_review", flag(), False, "The same, and may hear and repeat it before.")
_user.option("pin", string(), "", "Number that has to be dialled before.")
_user.option("music_on_hold_class", string(), "", "Music class for music_on_hold_when_empty.")
_user.option("announcement", string(), "", "Prompt it hears before it comes in.")
_user.option("denoise", flag(), False, "Noise is taken out of what it says.")
_user.option("dsp_drop_silence", flag(), False, "What is no talk is not mixed.")
_user.option("dsp_silence_threshold", integer(1, unit="ms"), 2500, "So long it must be silent to have stopped talking.")
_user.option("dsp_talking_threshold", integer(1, 32_768), 160, "Mean magnitude of samples from which on it talks.")
_user.option("jitterbuffer", flag(), False, "Adaptive jitter buffer, as JITTERBUFFER(adaptive)=default makes it.")
_user.option("timeout", integer(0, unit="s"), 0, "After so long it is taken out; 0 is never.")
_user.option("text_messaging", flag(), True, "Gets text messages of the others.")
_user.option("answer_channel", flag(), True, "Is answered when it comes in.")

_bridge = SCHEMA.type("bridge", "A profile of rooms (type = bridge).")
_bridge.option("type", string(), "bridge", "What the section is: user, bridge or menu.")
_bridge.option("jitterbuffer", flag(), False, "Read and ignored, as in Asterisk; a user profile has one that works.")
_bridge.option("internal_sample_rate", _rate_kind("auto"), 0, "Rate of mixing; auto is the best of those present.")
_bridge.option("maximum_sample_rate", _rate_kind("none"), 0, "The rate goes no higher than this.")
_bridge.option("mixing_interval", _interval_kind(), 20, "Read and not needed: rooms are mixed every 10 ms.")
_bridge.option("binaural_active", flag(), False, "Not there: rooms are not binaural.")
_bridge.option("record_conference", flag(), False, "Record the room from the first that comes to the last that goes.")
_bridge.option("record_file_append", flag(), True, "Add to the file when a recording begins again.")
_bridge.option("record_file_timestamp", flag(), True, "Put the time of the beginning into the file's name.")
_bridge.option("record_file", string(), "", "File for the recording instead of confbridge-ROOM-TIME.wav.")
_bridge.option("record_options", string(), "", "Options of MixMonitor for it.")
_bridge.option("record_command", string(), "", "Command to run on it; ^{NAME} are variables.")
_bridge.option("max_members", integer(0), 0, "So many may be in the room, admins apart; 0 is any number.")
_bridge.option("regcontext", string(), "", "Context that has an extension named as the room while there is one.")
_bridge.option("language", string(), "en", "Language of what is announced to all.")
_bridge.option(
    "video_mode",
    choice("none", "follow_talker", "last_marked", "first_marked", "sfu"),
    "none",
    "Whose pictures all see. Not there: rooms pass on no pictures.",
)
_bridge.option("video_update_discard", integer(0, unit="ms"), 2000, "Of pictures, which rooms do not pass on.")
_bridge.option("remb_send_interval", integer(0, unit="ms"), 0, "Of pictures, which rooms do not pass on.")
_bridge.option("remb_estimated_bitrate", integer(0, unit="bit/s"), 0, "Of pictures, which rooms do not pass on.")
_bridge.option(
    "remb_behavior",
    choice("average", "lowest", "highest", "average_all", "lowest_all", "highest_all", "force"),
    "average",
    "Of pictures, which rooms do not pass on.",
)
_bridge.option("enable_events", flag(), False, "Users with send_events are told of comings and goings.")
for _name, (_prompt, _text) in SOUNDS.items():
    _bridge.option(f"sound_{_name}", string(), _prompt, _text)

_menu = SCHEMA.type(
    "menu",
    "What digits do in a room (type = menu): 1 = toggle_mute, or several actions with commas between. A # at the "
    "beginning is written \\#.",
    open=True,
)
_menu.option("type", string(), "menu", "What the section is: user, bridge or menu.")


@dataclass(slots=True)
class UserProfile:
    """What confbridge.conf, or CONFBRIDGE(), says of a caller. Fields are the options."""

    name: str
    admin: bool
    send_events: bool
    echo_events: bool
    marked: bool
    startmuted: bool
    music_on_hold_when_empty: bool
    quiet: bool
    hear_own_join_sound: bool
    announce_user_count_all: int | None
    announce_user_count: bool
    announce_only_user: bool
    wait_marked: bool
    end_marked: bool
    end_marked_any: bool
    talk_detection_events: bool
    dtmf_passthrough: bool
    announce_join_leave: bool
    announce_join_leave_review: bool
    pin: str
    music_on_hold_class: str
    announcement: str
    denoise: bool
    dsp_drop_silence: bool
    dsp_silence_threshold: int
    dsp_talking_threshold: int
    jitterbuffer: bool
    timeout: int
    text_messaging: bool
    answer_channel: bool


@dataclass(slots=True)
class BridgeProfile:
    """What confbridge.conf, or CONFBRIDGE(), says of a room. Fields are the options; sounds by their short names."""

    name: str
    internal_sample_rate: int
    maximum_sample_rate: int
    mixing_interval: int
    record_conference: bool
    record_file_append: bool
    record_file_timestamp: bool
    record_file: str
    record_options: str
    record_command: str
    max_members: int
    regcontext: str
    language: str
    video_mode: str
    video_update_discard: int
    remb_send_interval: int
    remb_estimated_bitrate: int
    remb_behavior: str
    enable_events: bool
    sounds: dict[str, str] = field(default_factory=dict)

    def sound(self, name: str) -> str:
        """The prompt that is played for something."""
        return self.sounds.get(name) or SOUNDS[name][0]


Profile = UserProfile | BridgeProfile
_UNHEEDED = {
    "binaural_active": (False, "rooms are not binaural"),
    "video_mode": ("none", "rooms pass on no pictures"),
}
"""Options that say what is not there when they have another value than this one."""


def user_type() -> Type:
    """The option table of user profiles."""
    return _user


def bridge_type() -> Type:
    """The option table of bridge profiles."""
    return _bridge


def menu_type() -> Type:
    """The option table of menus."""
    return _menu


def make_user(name: str, values: dict[str, Any]) -> UserProfile:
    """A user profile of the values of its table."""
    return UserProfile(name, **{each.name: values[each.name] for each in fields(UserProfile) if each.name != "name"})


def make_bridge(name: str, values: dict[str, Any]) -> BridgeProfile:
    """A bridge profile of the values of its table."""
    plain = {each.name: values[each.name] for each in fields(BridgeProfile) if each.name not in ("name", "sounds")}
    return BridgeProfile(name, **plain, sounds={sound: values[f"sound_{sound}"] for sound in SOUNDS})


def assign(profile: Profile, option: Option, text: str) -> None:
    """Give one option of a profile the value that a text says. Raises ValueError with a sentence."""
    value = option.kind.parse(text)
    if option.name.startswith("sound_") and isinstance(profile, BridgeProfile):
        profile.sounds[option.name[6:]] = value
    elif option.name in {each.name for each in fields(profile)}:
        setattr(profile, option.name, value)


def missing(name: str, value: Any) -> str:
    """What is not there when an option has a value; "" when nothing is amiss."""
    heeded = _UNHEEDED.get(name)
    return heeded[1] if heeded is not None and value != heeded[0] else ""
