"""confbridge.conf, and what CONFBRIDGE() makes of it for one channel."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.model import ConfigError
from offhook.config.parser import loads
from offhook.services.conference import configuration
from offhook.services.conference.configuration import Configuration, bridge_for, change, menu_for, user_for
from offhook.services.conference.menus import (
    DIALPLAN_EXEC,
    PLAIN,
    PLAYBACK,
    PLAYBACK_AND_CONTINUE,
    Action,
    read_actions,
)

SAMPLE = """
[general]
[default_user]
type = user
admin = yes
[listener](default_user)
admin = no
announce_user_count_all = 10
dsp_talking_threshold = 300
[big]
type = bridge
internal_sample_rate = 16000
mixing_interval = 40
record_file = talk.wav
sound_join = chime
[keys]
type = menu
1 = toggle_mute
12 = playback_and_continue(one&two),reset_talking_volume
\\#3 = dialplan_exec(ctx,s,2), playback(bye)
"""


def read(text: str) -> tuple[Configuration, list[str]]:
    """A file, and its complaints."""
    errors: list[ConfigError] = []
    found = configuration.read(loads(text, "confbridge.conf"), errors)
    return found, [str(error) for error in errors]


def channel() -> Any:
    """A channel that keeps what functions put on it."""
    return cast(Any, SimpleNamespace(data={}))


def test_profiles_and_menus() -> None:
    config, errors = read(SAMPLE)
    assert not errors
    user = user_for(config, None, "LISTENER")
    assert user is not None and (user.admin, user.announce_user_count_all, user.dsp_talking_threshold) == (
        False,
        10,
        300,
    )
    bridge = bridge_for(config, None, "big")
    assert bridge is not None
    assert (bridge.internal_sample_rate, bridge.mixing_interval, bridge.record_file) == (16000, 40, "talk.wav")
    assert bridge.sound("join") == "chime" and bridge.sound("leave") == "confbridge-leave"
    menu = menu_for(config, None, "keys")
    assert menu is not None and list(menu.entries) == ["1", "12", "#3"]
    assert [str(action) for action in menu.entries["12"]] == ["playback_and_continue(one&two)", "reset_talking_volume"]
    assert menu.entries["#3"][0].place() == ("ctx", "s", 2)


def test_what_is_not_named_is_the_default() -> None:
    config, errors = read("[general]\n")
    assert not errors
    user, bridge, menu = user_for(config, None, ""), bridge_for(config, None, ""), menu_for(config, None, "")
    assert user is not None and bridge is not None and menu is not None
    assert (user.name, bridge.name, menu.name) == ("default_user", "default_bridge", "default_menu")
    assert (user.hear_own_join_sound, user.text_messaging, user.dsp_silence_threshold) == (True, True, 2500)
    assert (bridge.language, bridge.record_file_append, bridge.max_members) == ("en", True, 0)
    assert user_for(config, None, "nobody") is None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("type = user\nadmn = yes", 'unknown option "admn"; did you mean "admin"?'),
        ("type = user\ndsp_talking_threshold = 0", "dsp_talking_threshold: 0 is not a whole number from 1 to 32768"),
        ("type = bridge\nmixing_interval = 30", '"30" is not one of 10, 20, 40, 80'),
        ("type = bridge\nvideo_mode = sfu", "video_mode = sfu: rooms pass on no pictures"),
        ("type = menu\n1 = dance", '1: "dance" is no action; there are toggle_mute'),
        ("type = menu\n1x = no_op", '"1x" is no sequence of digits'),
        ("type = menu\n1 = playback", "playback needs an argument: playback(prompt&prompt)"),
        ("type = menu\n1 = dialplan_exec(a,b,c)", "the priority is a number"),
        ("type = room", 'needs type = user, bridge or menu, not "room"'),
        ("admin = yes", "needs type = user, bridge or menu"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(line: str, complaint: str) -> None:
    _, errors = read(f"[section]\n{line}\n")
    assert len(errors) == 1 and complaint in errors[0] and errors[0].startswith("confbridge.conf:")


def test_a_channel_has_profiles_of_its_own() -> None:
    config, _ = read(SAMPLE)
    mine = channel()
    change(config, mine, "user", "marked", "yes")
    change(config, mine, "bridge", "template", "big")
    change(config, mine, "bridge", "sound_join", "gong")
    change(config, mine, "menu", "template", "keys")
    change(config, mine, "menu", "1", "leave_conference")
    user, bridge, menu = user_for(config, mine, ""), bridge_for(config, mine, ""), menu_for(config, mine, "")
    assert user is not None and bridge is not None and menu is not None
    assert user.marked and user.admin  # default_user of the file is an admin
    assert bridge.sound("join") == "gong" and bridge.mixing_interval == 40
    assert menu.entries["1"] == (Action("leave_conference"),) and "12" in menu.entries
    named = bridge_for(config, mine, "big")
    assert named is not None and named.sound("join") == "chime"
    change(config, mine, "user", "clear", "")
    user = user_for(config, mine, "")
    assert user is not None and not user.marked


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("room", "admin", "yes"),
        ("user", "height", "2"),
        ("user", "timeout", "soon"),
        ("bridge", "template", "none"),
        ("menu", "x", "no_op"),
    ],
)
def test_what_a_channel_cannot_have(kind: str, option: str, value: str) -> None:
    config, _ = read(SAMPLE)
    with pytest.raises(ValueError):
        change(config, channel(), kind, option, value)


def test_actions_keep_commas_between_brackets() -> None:
    assert [str(each) for each in read_actions("dialplan_exec(a,b), toggle_mute,")] == [
        "dialplan_exec(a,b,1)",
        "toggle_mute",
    ]


ARGUMENT = st.text("abcXYZ019-/&", min_size=1, max_size=12)
PLACE = st.builds(
    lambda context, exten, priority: f"{context},{exten},{priority}", ARGUMENT, ARGUMENT, st.integers(1, 99)
)
ACTION = st.one_of(
    st.sampled_from(PLAIN).map(Action),
    st.builds(Action, st.sampled_from((PLAYBACK, PLAYBACK_AND_CONTINUE)), ARGUMENT),
    st.builds(Action, st.just(DIALPLAN_EXEC), PLACE),
)


@given(st.lists(ACTION, max_size=6).map(tuple), st.sampled_from((",", ", ", " ,  ")))
def test_what_the_console_shows_can_be_written(actions: tuple[Action, ...], between: str) -> None:
    assert read_actions(between.join(map(str, actions))) == actions
