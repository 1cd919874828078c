"""The manager actions DAHDI..., in Asterisk's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.line import Happening, LineEvent
from offhook.calls.frames import Digit
from offhook.drivers.dahdi.configuration.options import ANALOG
from offhook.drivers.dahdi.module import lines_of, module, reload
from offhook.drivers.dahdi.ports.phone import PhonePort
from offhook.drivers.dahdi.showing.alarms import short_of, words_of
from offhook.drivers.dahdi.showing.tables import SIGNALLINGS
from offhook.modules import ActionError, ActionRequest, Syntax

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.dahdi.port import Port

_DIGIT_MS = 100


def _port(request: ActionRequest) -> Port:
    word = request.require("DAHDIChannel", "No channel specified")
    port = lines_of(request.pbx).ports.get(int(word)) if word.isdigit() else None
    if port is None:
        raise ActionError("No such channel")
    return port


def _analog(request: ActionRequest) -> Port:
    port = _port(request)
    if port.signalling not in ANALOG:
        raise ActionError("Channel signaling is not analog")
    return port


@module.action("DAHDITransfer", (), Syntax("DAHDIChannel"))
def transfer(request: ActionRequest) -> None:
    """Simulate a flash hook event by the user connected to the channel.

    Valid only for analog channels.
    """
    port = _analog(request)
    port.obey(port.machine.line(LineEvent(Happening.FLASH), port.now()))
    request.ok("DAHDITransfer")


@module.action("DAHDIHangup", (), Syntax("DAHDIChannel"))
def hangup(request: ActionRequest) -> None:
    """Simulate an on-hook event by the user connected to the channel.

    Valid only for analog channels. A waiting or held call goes on: the phone rings for it.
    """
    port = _analog(request)
    port.obey(port.machine.line(LineEvent(Happening.ON_HOOK), port.now()))
    if isinstance(port, PhonePort) and port.machine.idle and port.line is not None and port.line.off_hook():
        port.obey(port.machine.left_up(port.now()))
    request.ok("DAHDIHangup")


@module.action("DAHDIDialOffhook", (), Syntax("DAHDIChannel", "Number"))
def dial_off_hook(request: ActionRequest) -> None:
    """Generate DTMF control frames to the bridged peer."""
    request.require("DAHDIChannel", "No channel specified")
    number = request.require("Number", "No number specified")
    port = _port(request)
    channel = next(iter(port.calls), None)
    if channel is None:
        raise ActionError("Channel does not have it's owner")
    for digit in number:
        channel.deliver(Digit(digit, False))
        channel.deliver(Digit(digit, True, _DIGIT_MS))
    request.ok("DAHDIDialOffhook")


def _disturb(request: ActionRequest, on: bool) -> None:
    _port(request).set_do_not_disturb(on)


@module.action("DAHDIDNDon", (), Syntax("DAHDIChannel"))
def dnd_on(request: ActionRequest) -> None:
    """Toggle DAHDI channel Do Not Disturb status ON."""
    _disturb(request, True)
    request.ok("DND Enabled")


@module.action("DAHDIDNDoff", (), Syntax("DAHDIChannel"))
def dnd_off(request: ActionRequest) -> None:
    """Toggle DAHDI channel Do Not Disturb status OFF."""
    _disturb(request, False)
    request.ok("DND Disabled")


@module.action("DAHDIShowChannels", (), Syntax("[DAHDIChannel]"))
def show_channels(request: ActionRequest) -> None:
    """Show status of DAHDI channels.

    Sends a DAHDIShowChannels event for each, or for the one asked for. While echo is cancelled on a line, EchoState
    (idle, converging, converged, double-talk), EchoReturnLoss and EchoReturnLossEnhancement (dB) tell how well.
    """
    wanted = request.get("DAHDIChannel")
    number = int(wanted) if wanted.isdigit() else 0
    ports = [port for port in lines_of(request.pbx) if not number or port.number == number]
    request.listed("DAHDI channel status will follow")
    for port in ports:
        owner = next((found for call in port.machine.calls if (found := port.calls.get(call)) is not None), None)
        call = _call_headers(owner) if owner is not None else []
        request.event(
            "DAHDIShowChannels",
            [
                ("DAHDIChannel", str(port.number)),
                *call,
                ("Signalling", SIGNALLINGS[port.signalling]),
                ("SignallingCode", str(port.signalling_code)),
                ("Context", port.settings["context"]),
                ("DND", "Enabled" if port.do_not_disturb else "Disabled"),
                ("Alarm", words_of(port.alarm_bits) or "No Alarm"),
                ("Description", port.settings["description"]),
                *_echo_headers(port),
                *_own_id(request),
            ],
        )
    request.complete("DAHDIShowChannelsComplete", len(ports), [("Items", str(len(ports)))])


def _call_headers(channel: Channel) -> list[tuple[str, str]]:
    return [("Channel", channel.name), ("Uniqueid", channel.uniqueid), ("AccountCode", channel.accountcode)]


def _echo_headers(port: Port) -> list[tuple[str, str]]:
    """Of a line whose echo is cancelled now: how, and in dB the line's return loss and what is taken out besides."""
    echo = port.leg.echo_state() if port.leg is not None else None
    if echo is None:
        return []
    return [
        ("EchoState", echo.state),
        ("EchoReturnLoss", f"{echo.return_loss_db:.1f}"),
        ("EchoReturnLossEnhancement", f"{echo.enhancement_db:.1f}"),
    ]


def _own_id(request: ActionRequest) -> list[tuple[str, str]]:
    """The ActionID, which these events have at their end."""
    return [("ActionID", request.get("ActionID"))] if request.get("ActionID") else []


@module.action("DAHDIShowStatus", (), Syntax())
def show_status(request: ActionRequest) -> None:
    """Show status of DAHDI spans.

    Sends a DAHDIShowStatus event for each.
    """
    spans = lines_of(request.pbx).system.spans()
    request.listed("DAHDI span statuses will follow")
    for span in spans:
        request.event(
            "DAHDIShowStatus",
            [
                ("Span", str(span.number)),
                ("Description", span.description),
                ("Alarms", short_of(span.alarms, span.channels)),
                ("IRQ", str(span.irq_misses)),
                ("bpviol", str(span.bipolar_violations)),
                ("CRC", str(span.crc_errors)),
                ("Framing", span.framing),
                ("Coding", span.coding),
                ("Options", span.options),
                ("LBO", span.line_build_out),
                *_own_id(request),
            ],
        )
    request.complete("DAHDIShowStatusComplete", len(spans), [("Items", str(len(spans)))])


@module.action("DAHDIRestart", (), Syntax())
async def restart(request: ActionRequest) -> None:
    """Fully Restart DAHDI channels (terminates calls)."""
    await reload(request.pbx)  # type: ignore[misc]
    lines_of(request.pbx).restart()
    request.ok("DAHDIRestart: Success")
