"""Saying things: numbers, letters and times as lists of prompt names, by language."""

from offhook.media.spoken.language import Language, language_for

__all__ = ["Language", "language_for"]
