"""Text inside HTML and XML."""

from __future__ import annotations


def escape(text: str, *, quotes: bool = True) -> str:
    """The text with what means something in markup written as references; ``quotes``: fit for an attribute too."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#x27;") if quotes else text
