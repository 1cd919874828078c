"""Supplementary services of a D channel beside those that calls and charges are: what our side asks for and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel_shims.pri import parties
from kernel_shims.pri.events import PartyId

if TYPE_CHECKING:
    from kernel_shims.pri.link import PriLink

_SPEECH = 1
_LONGEST_TEXT = 127
REROUTED, REROUTING_INVALID_NUMBER = 0, 5
"""Answers to a rerouting: the call is cleared here and goes on elsewhere; there is no such number."""


class Services:
    """See the text of this file."""

    def __init__(self, link: PriLink) -> None:
        self._ffi, self._lib, self._handle = link.ffi, link.lib, link.handle

    def keypad(self, call: Any, digits: str) -> None:
        """Digits in a keypad facility element."""
        self._lib.pri_keypad_facility(self._handle, call, digits.encode())

    def reroute(self, call: Any, destination: str, original: str, reason: str) -> bool:
        """Ask the far end to send a call elsewhere; False when its protocol has no such thing."""
        ffi = self._ffi
        texts = [ffi.new("char[]", text.encode()) if text else ffi.NULL for text in (destination, original, reason)]
        return bool(self._lib.pri_callrerouting_facility(self._handle, call, *texts) == 0)

    def answer_rerouting(self, call: Any, invoke: int, answer: int) -> None:
        """Answer who wants a call to go elsewhere."""
        self._lib.pri_rerouting_rsp(self._handle, call, invoke, answer)

    def answer_transfer(self, call: Any, invoke: int, *, done: bool) -> None:
        """Answer who wants two calls joined."""
        self._lib.pri_transfer_rsp(self._handle, call, invoke, int(done))

    def join_at_far_end(self, first: Any, second: Any) -> bool:
        """Have the far end's exchange join two calls (two B channel transfer, RLT); False when it does not do that."""
        return bool(self._lib.pri_channel_bridge(first, second) == 0)

    def display(self, call: Any, text: str) -> None:
        """A text for the far end's display."""
        raw = self._ffi.new("struct pri_subcmd_display_txt *")
        data = text.encode("latin-1", "replace")[:_LONGEST_TEXT]
        raw.length = len(data)
        raw.text = data
        self._lib.pri_display_text(self._handle, call, raw)

    def messages(self, mailbox: str, voicemail: str, count: int) -> None:
        """Tell the users of an interface how many new messages a mailbox has, and whom to call to hear them."""
        made = [parties.made(self._ffi, PartyId(number)) for number in (mailbox, voicemail)]
        nobody = self._ffi.NULL
        self._lib.pri_mwi_indicate_v2(self._handle, *made, _SPEECH, count, nobody, nobody, -1, 0)

    def malicious(self, call: Any) -> None:
        """Report the call as malicious (MCID)."""
        self._lib.pri_mcid_req_send(self._handle, call)
