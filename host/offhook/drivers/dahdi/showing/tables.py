"""Lines as people read them: the tables and blocks of the CLI, in Asterisk's shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kernel_shims.line import LineError
from offhook.drivers.dahdi.showing.alarms import short_of, words_of

if TYPE_CHECKING:
    from kernel_shims.line import SpanStatus
    from offhook.drivers.dahdi.port import Port

SIGNALLINGS = {
    "em": "E & M Immediate",
    "em_e1": "E & M E1",
    "em_w": "E & M Wink",
    "featd": "Feature Group D (DTMF)",
    "featdmf": "Feature Group D (MF)",
    "featdmf_ta": "Feature Group D (MF) Tandem Access",
    "featb": "Feature Group B (MF)",
    "e911": "E911 (MF)",
    "fgccama": "FGC/CAMA (Dialpulse)",
    "fgccamamf": "FGC/CAMA (MF)",
    "sf": "SF (Tone) Immediate",
    "sf_w": "SF (Tone) Wink",
    "sf_featd": "SF (Tone) with Feature Group D (DTMF)",
    "sf_featdmf": "SF (Tone) with Feature Group D (MF)",
    "sf_featb": "SF (Tone) with Feature Group B (MF)",
    "fxs_ls": "FXS Loopstart",
    "fxs_gs": "FXS Groundstart",
    "fxs_ks": "FXS Kewlstart",
    "fxo_ls": "FXO Loopstart",
    "fxo_gs": "FXO Groundstart",
    "fxo_ks": "FXO Kewlstart",
    "pri_cpe": "ISDN PRI",
    "pri_net": "ISDN PRI",
    "bri_cpe": "ISDN BRI Point to Point",
    "bri_net": "ISDN BRI Point to Point",
    "bri_cpe_ptmp": "ISDN BRI Point to MultiPoint",
    "bri_net_ptmp": "ISDN BRI Point to MultiPoint",
    "mfcr2": "MFC/R2",
    "ss7": "SS7",
}

_COLUMNS = (
    ("Chan", 7, 7),
    ("Span", 4, 4),
    ("Signalling", 20, 20),
    ("Extension", 10, 10),
    ("Context", 15, 15),
    ("Language", 8, 8),
    ("MOH Interpret", 20, 20),
    ("Blocked", 10, 10),
    ("In Service", 10, 10),
    ("Alarms", 12, 12),
    ("Description", 32, 32),
)


def _row(values: tuple[str, ...]) -> str:
    chan, span, *rest = values
    cells = [f"{value:<{width}.{most}}" for value, (_, width, most) in zip(rest, _COLUMNS[2:], strict=True)]
    return " ".join([f"{chan:>7}", f"{span:>4}", *cells])


_PSEUDO = ("pseudo", "0", "Pseudo", "", "default", "", "default", "", "Yes", "No Alarm", "")


def channel_table(ports: Iterator[Port], *, pseudo: bool) -> Iterator[str]:
    """``dahdi show channels``; with the channel that no line belongs to, if that is asked for too."""
    yield _row(tuple(name for name, _, _ in _COLUMNS))
    if pseudo:
        yield _row(_PSEUDO)
    for port in ports:
        settings = port.settings
        yield _row(
            (
                str(port.number),
                str(port.span),
                SIGNALLINGS[port.signalling],
                _extension(port),
                settings["context"],
                settings["language"],
                settings["mohinterpret"],
                port.block_flags,
                "Yes" if port.serving else "No",
                words_of(port.alarm_bits) or "No Alarm",
                settings["description"],
            )
        )


def _extension(port: Port) -> str:
    return next((channel.exten for channel in port.calls if channel.exten != "s"), "")


_JOINED = " (Confed)"


def _call(port: Port, number: int) -> str:
    channel = port.calls.get(number)
    if channel is None:
        return "<None>"
    return channel.name + (_JOINED if port.calls.joined(number) else "")


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _gain(value: float | None) -> str:
    return "Disabled" if value is None else f"{value:.1f}"


def channel_block(port: Port) -> Iterator[str]:
    """``dahdi show channel <n>``."""
    settings = port.settings
    yield f"Channel: {port.number}"
    yield f"Description: {settings['description']}"
    yield f"File Descriptor: {port.line.descriptor if port.line is not None else -1}"
    yield f"Span: {port.span}"
    yield f"Extension: {_extension(port)}"
    yield f"Dialing: {_yes(_dialing(port))}"
    yield f"Context: {settings['context']}"
    number, plan, subaddress, name = port.shown_caller()
    yield f"Caller ID: {number}"
    yield f"Calling TON: {plan}"
    yield f"Caller ID subaddress: {subaddress}"
    yield f"Caller ID name: {name}"
    yield f"Mailbox: {settings['mailbox'] or 'none'}"
    if settings["setvar"]:
        yield "Variables:"
        yield from (f"       {name} = {value}" for name, _, value in (one.partition("=") for one in settings["setvar"]))
    yield "Destroy: 0"
    yield f"InAlarm: {int(port.machine.alarm)}"
    yield f"Signalling Type: {SIGNALLINGS[port.signalling]}"
    yield "Radio: 0"
    names = [_call(port, number) for number in port.shown_calls()]
    yield f"Owner: {names[0].removesuffix(_JOINED)}"
    yield from (f"{label}: {name}" for label, name in zip(("Real", "Callwait", "Threeway"), names, strict=True))
    yield f"Confno: {0 if any(name.endswith(_JOINED) for name in names) else -1}"
    yield "Propagated Conference: -1"
    yield "Real in conference: 0"
    yield f"DSP: {_yes(port.leg is not None)}"
    yield f"Busy Detection: {_yes(port.detects_busy)}"
    if port.detects_busy:
        pattern = (*port.busy_pattern, 0, 0, 0, 0)[:4]
        yield f"    Busy Count: {settings['busycount']}"
        yield f"    Busy Pattern: {','.join(map(str, pattern))}"
    yield "TDD: no"
    yield f"Relax DTMF: {_yes(settings['relaxdtmf'])}"
    yield f"Dialing/CallwaitCAS: {int(_dialing(port))}/{int(port.telling)}"
    yield f"Default law: {port.law}"
    yield f"Fax Handled: {_yes(any(channel.get('FAXEXTEN') for channel in port.calls))}"
    yield f"Pulse phone: {_yes(port.pulses)}"
    yield f"HW Gains (RX/TX): {_gain(settings['hwrxgain'])}/{_gain(settings['hwtxgain'])}"
    yield f"SW Gains (RX/TX): {port.gains[0]:.2f}/{port.gains[1]:.2f}"
    yield f"Dynamic Range Compression (RX/TX): {settings['rxdrc']:.2f}/{settings['txdrc']:.2f}"
    yield f"DND: {_yes(port.do_not_disturb)}"
    yield "Echo Cancellation:"
    yield from port.echo_lines()
    yield f"Wait for dialtone: {settings['waitfordialtone']}ms"
    yield from port.signalling_lines()
    yield from _sound_lines(port)
    if port.line is not None:
        yield f"Hookstate (FXS only): {_hook(port)}"


def _dialing(port: Port) -> bool:
    return any(channel.outgoing and channel.answered_at is None for channel in port.calls)


def _hook(port: Port) -> str:
    try:
        return "Offhook" if port.line is not None and port.line.off_hook() else "Onhook"
    except LineError:
        return "Onhook"


def _sound_lines(port: Port) -> Iterator[str]:
    """The engine's view of the line, which Asterisk does not have."""
    if port.leg is None:
        return
    figures = port.leg.line_figures()
    yield f"Sound blocks (in/out): {figures.blocks_in}/{figures.blocks_out}"
    yield f"Slips (in/out): {figures.slips_in}/{figures.slips_out}"
    yield f"Underruns: {figures.underruns}"


_STATUS = (
    ("Span", 4),
    ("Description", 40),
    ("Alarms", 7),
    ("IRQ", 6),
    ("bpviol", 6),
    ("CRC", 6),
    ("Framing", 3),
    ("Coding", 4),
    ("Options", 8),
)


_CODINGS = {"Unk": "Unknown"}
"""The console's word where managers hear a shorter one."""


def status_table(spans: list[SpanStatus]) -> Iterator[str]:
    """``dahdi show status``."""
    head = [f"{name:<{width}.{width}}" for name, width in _STATUS]
    yield " ".join([*head, "LBO"])
    for span in spans:
        coding, alarms = _CODINGS.get(span.coding, span.coding), short_of(span.alarms, span.channels)
        yield (
            f"{span.number:4d} {span.description:<40.40} {alarms:<7.7} {span.irq_misses:<6d} "
            f"{span.bipolar_violations:<6d} {span.crc_errors:<6d} {span.framing:<3.3} {coding:<4.4} "
            f"{span.options:<8.8} {span.line_build_out}"
        )
