"""Functions on texts, lists, hashes and times of day."""

from offhook.functions.strings import hashes, lists, text, times
from offhook.functions.strings.declaration import module

__all__ = ["hashes", "lists", "module", "text", "times"]
