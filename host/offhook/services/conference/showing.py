"""Profiles as the console shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from offhook.services.conference.profiles import SOUNDS

if TYPE_CHECKING:
    from offhook.services.conference.profiles import BridgeProfile, UserProfile

_RULE = "-" * 44


def _true(value: bool) -> str:
    return "true" if value else "false"


def _on(value: bool) -> str:
    return "enabled" if value else "disabled"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def user_lines(p: UserProfile) -> Iterator[str]:
    """A user profile."""
    name = "enabled (with review)" if p.announce_join_leave_review else _on(p.announce_join_leave)
    shown = (
        ("Name", p.name),
        ("Admin", _true(p.admin)),
        ("Send Events", _true(p.send_events)),
        ("Echo Events", _true(p.echo_events)),
        ("Marked User", _true(p.marked)),
        ("Start Muted", _true(p.startmuted)),
        ("MOH When Empty", _on(p.music_on_hold_when_empty)),
        ("MOH Class", p.music_on_hold_class or "default"),
        ("Announcement", p.announcement),
        ("Quiet", _on(p.quiet)),
        ("Hear Join", _on(p.hear_own_join_sound)),
        ("Wait Marked", _on(p.wait_marked)),
        ("END Marked (All)", _on(p.end_marked)),
        ("END Marked (Any)", _on(p.end_marked_any)),
        ("Drop_silence", _on(p.dsp_drop_silence)),
        ("Silence Threshold", f"{p.dsp_silence_threshold}ms"),
        ("Talking Threshold", str(p.dsp_talking_threshold)),
        ("Denoise", _on(p.denoise)),
        ("Jitterbuffer", _on(p.jitterbuffer)),
        ("Talk Detect Events", _on(p.talk_detection_events)),
        ("DTMF Pass Through", _on(p.dtmf_passthrough)),
        ("PIN", p.pin or "None"),
        ("Announce User Count", _on(p.announce_user_count)),
        ("Announce join/leave", name),
        ("Announce User Count all", _on(p.announce_user_count_all is not None)),
        ("Text Messaging", _on(p.text_messaging)),
        ("Answer Channel", _true(p.answer_channel)),
    )
    yield _RULE
    for title, value in shown:
        yield f"{title + ':':<24} {value}"
    yield ""


_VIDEO = {"none": "no video"}
_WIDTHS = {
    "sound_place_into_conference": 28,
    "sound_wait_for_leader": 28,
    "sound_leader_has_left": 28,
    "sound_participants_muted": 29,
    "sound_participants_unmuted": 31,
}
"""Columns of the lines that do not stand in line with the others in Asterisk either."""


def bridge_lines(p: BridgeProfile) -> Iterator[str]:
    """A bridge profile."""
    shown = (
        ("Name:                ", p.name),
        ("Language:            ", p.language),
        ("Internal Sample Rate:", str(p.internal_sample_rate or "auto")),
        ("Maximum Sample Rate:", str(p.maximum_sample_rate or "none")),
        ("Mixing Interval:     ", str(p.mixing_interval)),
        ("Record Conference:   ", _yes(p.record_conference)),
        ("Record File Append:   ", _yes(p.record_file_append)),
        ("Record File Timestamp:", _yes(p.record_file_timestamp)),
        ("Record File:         ", p.record_file or "Auto Generated"),
        ("Record Options:      ", p.record_options),
        ("Record Command:      ", p.record_command),
        ("Max Members:         ", str(p.max_members or "No Limit")),
        ("Registration context:", p.regcontext),
        ("Video Mode:          ", _VIDEO.get(p.video_mode, p.video_mode)),
        ("Video Update Discard:", str(p.video_update_discard)),
        ("REMB Send Interval:", str(p.remb_send_interval)),
        ("REMB Behavior:          ", p.remb_behavior),
        ("Enable Events:            ", _yes(p.enable_events)),
    )
    yield _RULE
    for title, value in shown:
        yield f"{title} {value}"
    for name in SOUNDS:
        label = f"sound_{name}"
        yield f"{label + ':':<{_WIDTHS.get(label, 21)}} {p.sound(name)}"
    yield ""
