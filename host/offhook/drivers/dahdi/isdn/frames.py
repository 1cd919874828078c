"""Frames of a D channel for people who follow signalling: which message (Q.931), of which call, about what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.calls import causes

MESSAGES: Final = {
    0x01: "ALERTING",
    0x02: "CALL PROCEEDING",
    0x03: "PROGRESS",
    0x05: "SETUP",
    0x07: "CONNECT",
    0x0D: "SETUP ACKNOWLEDGE",
    0x0F: "CONNECT ACKNOWLEDGE",
    0x20: "USER INFORMATION",
    0x21: "SUSPEND REJECT",
    0x22: "RESUME REJECT",
    0x24: "HOLD",
    0x25: "SUSPEND",
    0x26: "RESUME",
    0x28: "HOLD ACKNOWLEDGE",
    0x2D: "SUSPEND ACKNOWLEDGE",
    0x2E: "RESUME ACKNOWLEDGE",
    0x30: "HOLD REJECT",
    0x31: "RETRIEVE",
    0x33: "RETRIEVE ACKNOWLEDGE",
    0x37: "RETRIEVE REJECT",
    0x45: "DISCONNECT",
    0x46: "RESTART",
    0x4D: "RELEASE",
    0x4E: "RESTART ACKNOWLEDGE",
    0x5A: "RELEASE COMPLETE",
    0x60: "SEGMENT",
    0x62: "FACILITY",
    0x6E: "NOTIFY",
    0x75: "STATUS ENQUIRY",
    0x79: "CONGESTION CONTROL",
    0x7B: "INFORMATION",
    0x7D: "STATUS",
}
"""Message types (Q.931 table 4-2, Q.932 table 7-1)."""
LINK: Final = {0x6F: "SABME", 0x0F: "DM", 0x43: "DISC", 0x63: "UA", 0x87: "FRMR"}
"""Unnumbered frames without the P/F bit (Q.921 table 5)."""
_Q931: Final = 0x08
_CAUSE, _CALLING, _KEYPAD, _CALLED = 0x08, 0x6C, 0x2C, 0x70


@dataclass(frozen=True, slots=True)
class Described:
    """One frame. ``call`` is "" for what belongs to no call."""

    text: str
    call: str
    setup: bool


def describe(frame: bytes, *, sent: bool) -> Described | None:
    """What a frame says to people; None for one that only keeps the link going, and for what is no frame at all.

    Args:
        frame: Q.921, address first, without the check sum.
        sent: whether it is ours.
    """
    if len(frame) < 3:
        return None
    if frame[2] & 0x03 == 0x03:  # unnumbered
        name = LINK.get(frame[2] & 0xEF)
        return Described(name, "", False) if name else None
    if frame[2] & 0x01 or len(frame) < 7 or frame[4] != _Q931:
        return None
    size = frame[5] & 0x0F
    if len(frame) < 7 + size:
        return None
    reference = frame[6 : 6 + size]
    number = int.from_bytes(reference, "big") & ~(0x80 << 8 * (size - 1)) if size else 0
    kind = frame[6 + size]
    name = MESSAGES.get(kind, f"message 0x{kind:02x}")
    about = _about(frame[7 + size :])
    if not number:  # the global call reference: the interface, not a call
        return Described(" ".join(filter(None, (name, about))), "", False)
    # The flag is 0 in what comes from the side that began the call (Q.931 4.3).
    ours = sent == (not reference[0] & 0x80)
    text = ", ".join(filter(None, (f"{name} call {number}", about)))
    return Described(text, f"{number} {'ours' if ours else 'theirs'}", kind == 0x05)


def _about(elements: bytes) -> str:
    """Numbers and cause among the information elements (Q.931 4.5)."""
    found: dict[int, str] = {}
    at = 0
    while at < len(elements):
        kind = elements[at]
        if kind & 0x80:  # one octet
            at += 1
            continue
        if at + 2 > len(elements):
            break
        content = elements[at + 2 : at + 2 + elements[at + 1]]
        at += 2 + elements[at + 1]
        if kind in (_CALLING, _CALLED):
            found[kind] = _digits(content[1:] if content[:1] and content[0] & 0x80 else content[2:])
        elif kind == _KEYPAD:
            found[kind] = _digits(content)
        elif kind == _CAUSE:
            code = content[1 if content[:1] and content[0] & 0x80 else 2 :][:1]
            if code:
                found[kind] = f"cause {code[0] & 0x7F} ({causes.text(code[0] & 0x7F)})"
    words = [f"{label} {found[kind]}" for kind, label in ((_CALLING, "from"), (_CALLED, "to")) if found.get(kind)]
    words += [found[kind] for kind in (_KEYPAD, _CAUSE) if found.get(kind)]
    return " ".join(words)


def _digits(content: bytes) -> str:
    return "".join(chr(octet & 0x7F) for octet in content if 0x20 < octet & 0x7F < 0x7F)
