"""An MFC/R2 channel as ``dahdi show channel`` tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernel_shims.r2.line import R2Line
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings


def _yes(value: object) -> str:
    return "Yes" if value else "No"


def shown(line: R2Line, settings: ChannelSettings) -> Iterator[str]:
    """States, terms in force, and signals."""
    terms = line.in_force()
    tones, group, state, call = line.register_states
    sent, received = line.states
    tone_sent, tone_received = line.signals
    items: tuple[tuple[str, object], ...] = (
        ("MF State", tones),
        ("MF Group", group),
        ("State", state),
        ("Call State", call),
        ("Call Files Enabled", _yes(line.call_files)),
        ("Variant", terms.variant.upper()),
        ("Max ANI", terms.max_ani),
        ("Max DNIS", terms.max_dnis),
        ("DTMF Dialing", _yes(terms.dtmf_dialing)),
        ("DTMF Detection", _yes(terms.dtmf_detection)),
        ("Get ANI First", _yes(terms.ani_first)),
        ("Skip Category Request", _yes(terms.skip_category)),
        ("Immediate Accept", _yes(terms.immediate_accept)),
        ("Accept on Offer", _yes(settings["mfcr2_accept_on_offer"])),
        ("Charge Calls", _yes(settings["mfcr2_charge_calls"])),
        ("Allow Collect Calls", _yes(settings["mfcr2_allow_collect_calls"])),
        ("Forced Release", _yes(settings["mfcr2_forced_release"])),
        ("MF Back Timeout", f"{terms.mf_back_timeout}ms"),
        ("R2 Metering Pulse Timeout", f"{terms.metering_pulse_timeout}ms"),
        ("Rx CAS", received),
        ("Tx CAS", sent),
        ("MF Tx Signal", tone_sent),
        ("MF Rx Signal", tone_received),
        ("Call Files Directory", terms.log_folder),
    )
    return (f"MFC/R2 {name}: {value}" for name, value in items)
