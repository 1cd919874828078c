"""Settings of chan_dahdi.conf as libpri's options."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel_shims.pri.link import PriLink

log = logging.getLogger(__name__)

_OVERLAP_IN, _OVERLAP_OUT = 1, 2
_NSF = {"none": -1, "sdn": 0xE1, "megacom": 0xE3, "tollfreemegacom": 0xE2, "accunet": 0xE6}
_DISPLAY = {"block": 1, "name_initial": 2, "name_update": 4, "name": 6, "text": 8}
_DATES = ("", "no", "date", "date_hh", "date_hhmm", "date_hhmmss")
_RECALL = ("global", "specific")
_LINKS = ("release", "retain", "do_not_care")
"""What becomes of a QSIG signalling connection of call completion."""
_PERSISTENCE = ("", "keep_up", "leave_down")


def apply_options(link: PriLink, settings: Mapping[str, Any]) -> None:
    """Set every option of a D channel that the file has something to say of."""
    overlap = settings["overlapdial"]
    outgoing, incoming = overlap in ("outgoing", "both"), overlap in ("incoming", "both")
    link.option("overlapdial", (_OVERLAP_IN if incoming else 0) | (_OVERLAP_OUT if outgoing else 0))
    if settings["nsf"] != "none":
        link.option("nsf", _NSF[settings["nsf"]])
    link.option("chan_mapping_logical", int(settings["qsigchannelmapping"] == "logical"))
    link.option("inbanddisconnect", int(settings["inbanddisconnect"]))
    link.option("hold_enable", 1)
    link.option("reroute_enable", 1)
    link.option("transfer_enable", 1)
    link.option("hangup_fix_enable", 1)
    link.option("mcid_enable", 1)
    link.option("aoc_events_enable", 1)
    link.option("connect_ack_enable", 1)
    link.option("cc_enable", 1)
    link.option("cc_recall_mode", _RECALL.index(settings["cc_ptmp_recall_mode"]))
    link.option("cc_retain_signaling_req", _LINKS.index(settings["cc_qsig_signaling_link_req"]))
    link.option("cc_retain_signaling_rsp", _LINKS.index(settings["cc_qsig_signaling_link_rsp"]))
    link.option("service_message_support", int(settings["service_message_support"]))
    link.option("persistent_layer2_option", _PERSISTENCE.index(settings["layer2_persistence"]))
    link.option("date_time_send_option", _DATES.index(settings["datetime_send"]))
    for direction in ("send", "receive"):
        chosen = settings[f"display_{direction}"]
        if chosen:
            link.option(f"display_options_{direction}", sum(_DISPLAY[word] for word in chosen))
    if settings["facilityenable"]:
        link.option("facility_enable")
    for line in settings["pritimer"]:
        name, _, value = line.partition(",")
        if not value.strip().isdigit() or not link.timer(name.strip().upper(), int(value)):
            log.warning('pritimer: "%s" names no timer of libpri with a number', line)
