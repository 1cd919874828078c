"""The states of an attended transfer, what happens to its parties, and which state follows which."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """How far a transfer is."""

    CALLING_TARGET = auto()
    HESITANT = auto()
    """The target rings; the transferer is back with the transferee."""
    CONSULTING = auto()
    DOUBLE_CHECKING = auto()
    """The target is up and waits; the transferer is back with the transferee."""
    REBRIDGE = auto()
    RESUME = auto()
    THREEWAY = auto()
    COMPLETE = auto()
    BLOND = auto()
    BLOND_RECALLING = auto()
    """The transferer is gone and the target rings: if it does not answer, the transferer is called back."""
    RECALLING = auto()
    WAIT_TO_RETRANSFER = auto()
    RETRANSFER = auto()
    WAIT_TO_RECALL = auto()
    FAIL = auto()


class Stimulus(Enum):
    """What happens to the parties."""

    TRANSFEREE_HANGUP = auto()
    TRANSFERER_HANGUP = auto()
    TARGET_HANGUP = auto()
    TARGET_ANSWER = auto()
    RECALL_HANGUP = auto()
    RECALL_ANSWER = auto()
    TIMEOUT = auto()
    ABORT = auto()
    COMPLETE = auto()
    THREEWAY = auto()
    SWAP = auto()


FINAL = frozenset(
    {State.REBRIDGE, State.RESUME, State.THREEWAY, State.COMPLETE, State.BLOND, State.FAIL},
)
"""The transfer is over in these."""
NEXT: dict[State, dict[Stimulus, State]] = {
    State.CALLING_TARGET: {
        Stimulus.TRANSFEREE_HANGUP: State.FAIL,
        Stimulus.TRANSFERER_HANGUP: State.BLOND,
        Stimulus.COMPLETE: State.BLOND,
        Stimulus.TARGET_ANSWER: State.CONSULTING,
        Stimulus.TARGET_HANGUP: State.REBRIDGE,
        Stimulus.TIMEOUT: State.REBRIDGE,
        Stimulus.ABORT: State.REBRIDGE,
        Stimulus.THREEWAY: State.THREEWAY,
        Stimulus.SWAP: State.HESITANT,
    },
    State.HESITANT: {
        Stimulus.TRANSFEREE_HANGUP: State.FAIL,
        Stimulus.TRANSFERER_HANGUP: State.BLOND,
        Stimulus.COMPLETE: State.BLOND,
        Stimulus.TARGET_ANSWER: State.DOUBLE_CHECKING,
        Stimulus.TARGET_HANGUP: State.RESUME,
        Stimulus.TIMEOUT: State.RESUME,
        Stimulus.ABORT: State.RESUME,
        Stimulus.THREEWAY: State.THREEWAY,
        Stimulus.SWAP: State.CALLING_TARGET,
    },
    State.CONSULTING: {
        Stimulus.TRANSFEREE_HANGUP: State.FAIL,
        Stimulus.TRANSFERER_HANGUP: State.COMPLETE,
        Stimulus.COMPLETE: State.COMPLETE,
        Stimulus.TARGET_HANGUP: State.REBRIDGE,
        Stimulus.ABORT: State.REBRIDGE,
        Stimulus.THREEWAY: State.THREEWAY,
        Stimulus.SWAP: State.DOUBLE_CHECKING,
    },
    State.DOUBLE_CHECKING: {
        Stimulus.TRANSFEREE_HANGUP: State.FAIL,
        Stimulus.TRANSFERER_HANGUP: State.COMPLETE,
        Stimulus.COMPLETE: State.COMPLETE,
        Stimulus.TARGET_HANGUP: State.RESUME,
        Stimulus.ABORT: State.RESUME,
        Stimulus.THREEWAY: State.THREEWAY,
        Stimulus.SWAP: State.CONSULTING,
    },
    State.BLOND_RECALLING: {
        Stimulus.TRANSFEREE_HANGUP: State.FAIL,
        Stimulus.RECALL_ANSWER: State.RESUME,
        Stimulus.RECALL_HANGUP: State.RECALLING,
        Stimulus.TIMEOUT: State.RECALLING,
    },
    State.RECALLING: {
        Stimulus.TRANSFEREE_HANGUP: State.FAIL,
        Stimulus.RECALL_ANSWER: State.RESUME,
        Stimulus.RECALL_HANGUP: State.WAIT_TO_RETRANSFER,
        Stimulus.TIMEOUT: State.WAIT_TO_RETRANSFER,
    },
    State.WAIT_TO_RETRANSFER: {Stimulus.TRANSFEREE_HANGUP: State.FAIL, Stimulus.TIMEOUT: State.RETRANSFER},
    State.RETRANSFER: {
        Stimulus.TRANSFEREE_HANGUP: State.FAIL,
        Stimulus.RECALL_ANSWER: State.RESUME,
        Stimulus.RECALL_HANGUP: State.WAIT_TO_RECALL,
        Stimulus.TIMEOUT: State.WAIT_TO_RECALL,
    },
    State.WAIT_TO_RECALL: {Stimulus.TRANSFEREE_HANGUP: State.FAIL, Stimulus.TIMEOUT: State.RECALLING},
}
RECALL = frozenset(
    {State.BLOND_RECALLING, State.RECALLING, State.WAIT_TO_RETRANSFER, State.RETRANSFER, State.WAIT_TO_RECALL}
)
"""The transferer is gone; it, or the target, is called once more."""
