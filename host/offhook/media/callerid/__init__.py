"""Caller ID on two-wire lines: messages (SDMF, MDMF, NTT's), how they are sent and received, DTMF caller ID. No
I/O."""

from offhook.media.callerid.dtmf import decode_digits, encode_digits
from offhook.media.callerid.japanese import JapaneseReceiver
from offhook.media.callerid.message import (
    Call,
    MessageError,
    Waiting,
    decode,
    encode_call,
    encode_waiting,
)
from offhook.media.callerid.receiving import Receiver
from offhook.media.callerid.sending import (
    ACKNOWLEDGES,
    ALERTING_SIGNAL,
    DATA_AFTER_MS,
    Data,
    alerting_signal,
    off_hook,
    on_hook,
)

__all__ = [
    "ACKNOWLEDGES",
    "ALERTING_SIGNAL",
    "DATA_AFTER_MS",
    "Call",
    "Data",
    "JapaneseReceiver",
    "MessageError",
    "Receiver",
    "Waiting",
    "alerting_signal",
    "decode",
    "decode_digits",
    "encode_call",
    "encode_digits",
    "encode_waiting",
    "off_hook",
    "on_hook",
]
