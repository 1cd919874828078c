"""Playing prompts and listening for an extension meanwhile."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel, State
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
playback_module = Module("app_playback", "Sound file playback")
background_module = Module("pbx_background", "Play prompts while the caller dials")


@playback_module.application(
    "Playback",
    Syntax(
        "filename[&filename...]",
        "[options]",
        options={
            "skip": "Do nothing when the channel is not answered.",
            "noanswer": "Play without answering the channel first.",
            "say": "Take the names for things to say (say.conf).",
            "mix": "Names may be prompts or things to say.",
        },
    ),
    see_also=("Background", "ControlPlayback"),
)
async def playback(channel: Channel, files: str = "", options: str = "") -> None:
    """Play prompts one after the other.

    PLAYBACKSTATUS is SUCCESS, or FAILED when a prompt is missing or the channel is not answered with option skip.
    """
    words = {word.strip().lower() for word in options.replace("|", ",").split(",")}
    if {"say", "mix"} & words:
        log.warning("%s: Playback's options say and mix need say.conf, which is not supported", channel.name)
    status = "SUCCESS"
    if channel.state is not State.UP:
        if "skip" in words:
            channel.set("PLAYBACKSTATUS", status)
            return
        if "noanswer" not in words:
            channel.answer()
    channel.frames.clear()
    for name in files.split("&"):
        if not name:
            continue
        try:
            await play(channel, name)
        except NoPrompt as missing:
            log.warning("%s: Playback: %s", channel.name, missing)
            status = "FAILED"
    channel.set("PLAYBACKSTATUS", status)


@background_module.application(
    "BackGround",
    Syntax(
        "filename[&filename...]",
        "[options]",
        "[langoverride]",
        "[context]",
        options={
            "s": "Do nothing when the channel is not answered.",
            "n": "Play without answering the channel first.",
            "m": "Only digits that are an extension of one digit end the prompt.",
            "p": "No digit breaks in.",
        },
    ),
    see_also=("WaitExten", "Playback", "TIMEOUT"),
)
async def background(
    channel: Channel, files: str = "", options: str = "", language: str = "", context: str = ""
) -> None:
    """Play prompts while the caller may dial an extension.

    The first digit stops the prompt and the rest of the extension is waited for. Usually followed by WaitExten. A
    prompt that does not exist ends it. BACKGROUNDSTATUS is SUCCESS or FAILED.
    """
    from offhook.dialplan.digits import wait_for_extension

    letters = Options("" if options in ("skip", "noanswer") else options)
    skip = options == "skip" or "s" in letters
    if channel.state is not State.UP:
        if skip:
            return
        if options != "noanswer" and "n" not in letters:
            channel.answer()
    where = context or channel.context
    plan = channel.pbx.dialplan
    status = "SUCCESS"
    digit = ""
    for name in files.split("&"):
        if not name:
            continue
        escape = "" if "p" in letters else ANY_DIGIT
        if escape and "m" in letters:
            escape = "".join(d for d in ANY_DIGIT if plan.exists(where, d, 1, channel.caller.id.number.text))
        try:
            digit = await play(channel, name, escape, language=language)
        except NoPrompt as missing:
            log.warning("%s: BackGround: %s", channel.name, missing)
            status = "FAILED"
            break
        if digit:
            break
    channel.set("BACKGROUNDSTATUS", status)
    if digit:
        if "m" in letters:
            channel.goto(where, digit, 1)
        else:
            await wait_for_extension(channel, None, dialled=digit, context=where, only_more=True)
