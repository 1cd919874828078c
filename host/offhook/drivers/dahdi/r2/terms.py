"""Settings of chan_dahdi.conf as libopenr2's, and clearing causes both ways."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from kernel_shims.line import LineError
from kernel_shims.r2.events import Cause
from kernel_shims.r2.line import Terms
from offhook.calls import causes

_Q850 = {
    Cause.BUSY: causes.USER_BUSY,
    Cause.CONGESTION: causes.NORMAL_CIRCUIT_CONGESTION,
    Cause.UNALLOCATED: causes.SUBSCRIBER_ABSENT,
    Cause.OUT_OF_ORDER: causes.DESTINATION_OUT_OF_ORDER,
    Cause.NO_ANSWER: causes.NO_ANSWER,
    Cause.NORMAL: causes.NORMAL_CLEARING,
}
_R2 = {
    causes.USER_BUSY: Cause.BUSY,
    causes.CALL_REJECTED: Cause.BUSY,
    causes.INTERWORKING: Cause.BUSY,
    causes.NORMAL_CIRCUIT_CONGESTION: Cause.CONGESTION,
    causes.SWITCH_CONGESTION: Cause.CONGESTION,
    causes.UNALLOCATED: Cause.UNALLOCATED,
    causes.NETWORK_OUT_OF_ORDER: Cause.OUT_OF_ORDER,
    causes.DESTINATION_OUT_OF_ORDER: Cause.OUT_OF_ORDER,
    causes.NO_ANSWER: Cause.NO_ANSWER,
    causes.NO_USER_RESPONSE: Cause.NO_ANSWER,
}


def q850(cause: int) -> int:
    """The hangup cause of a clearing cause of R2; 0 where there is none."""
    return _Q850.get(Cause(cause), 0)


def r2_cause(cause: int) -> Cause:
    """How a hangup cause is told by R2."""
    return _R2.get(cause, Cause.NORMAL)


def terms_of(settings: Mapping[str, Any], log_folder: str) -> Terms:
    """The terms that the file has for a channel; call files go below ``log_folder``. Raises LineError."""
    terms = Terms(
        variant=settings["mfcr2_variant"],
        max_ani=settings["mfcr2_max_ani"],
        max_dnis=settings["mfcr2_max_dnis"],
        ani_first=settings["mfcr2_get_ani_first"],
        skip_category=settings["mfcr2_skip_category"],
        immediate_accept=settings["mfcr2_immediate_accept"],
        double_answer=settings["mfcr2_double_answer"],
        mf_back_timeout=settings["mfcr2_mfback_timeout"],
        metering_pulse_timeout=settings["mfcr2_metering_pulse_timeout"],
        dtmf_dialing=settings["mfcr2_dtmf_dialing"],
        dtmf_detection=settings["mfcr2_dtmf_detection"],
        dtmf_on=settings["mfcr2_dtmf_time_on"],
        dtmf_off=settings["mfcr2_dtmf_time_off"],
        dtmf_end_timeout=settings["mfcr2_dtmf_end_timeout"],
        call_files=settings["mfcr2_call_files"],
        protocol_file=settings["mfcr2_advanced_protocol_file"],
        log=settings["mfcr2_logging"],
        log_folder=os.path.join(log_folder, "mfcr2", settings["mfcr2_logdir"]).rstrip("/"),
    )
    if terms.call_files:
        try:
            os.makedirs(terms.log_folder, exist_ok=True)
        except OSError as error:
            raise LineError(f"{terms.log_folder} cannot be made for MFC/R2 call files: {error.strerror}") from None
    return terms
