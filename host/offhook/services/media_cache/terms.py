"""On which terms sound files are fetched, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PREFIX: Final = "bucket-"
"""How the names of fetched files begin."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How files are fetched."""

    timeout_s: float = 180.0
    agent: str = ""
    follow: bool = True
    most_redirects: int = 8
    proxy: str = ""
    protocols: frozenset[str] = frozenset(("http", "https"))
    redirect_protocols: frozenset[str] = frozenset(("http", "https"))


@dataclass(slots=True)
class Fetched:
    """What came: headers of interest in lower case, and where the body lies ("" without one)."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    path: str = ""


class CannotFetch(Exception):
    """There is no such file, or no way to it; the sentence says why."""
