"""The line supervisor: cores that are told readings and times, and answer with what to switch and send."""

VERSION = (1, 0, 0)
