"""queuerules.conf: how the penalties of a caller change while it waits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from offhook.config.model import ConfigError, ConfigFile

_STEP = re.compile(r"\s*([+-]?)\d+\s*", re.ASCII)


class Step(NamedTuple):
    """A number that is put in the place of another, or added to it."""

    value: int = 0
    relative: bool = True

    def applied(self, before: int) -> int:
        """The number after it; penalties are never below 0."""
        return max(0, before + self.value if self.relative else self.value)


UNCHANGED = Step()


@dataclass(frozen=True, slots=True)
class Change:
    """After ``after_s`` seconds the limits change."""

    after_s: int
    highest: Step = UNCHANGED
    lowest: Step = UNCHANGED
    raised: Step = UNCHANGED
    respects_lowest: bool = False


@dataclass(slots=True)
class Rule:
    """A section of queuerules.conf."""

    name: str
    changes: list[Change] = field(default_factory=list)

    def add(self, change: Change) -> None:
        """Take a change in where its time is."""
        at = next((index for index, one in enumerate(self.changes) if change.after_s < one.after_s), len(self.changes))
        self.changes.insert(at, change)


Rules = dict[str, Rule]
"""By name in lower case."""


def parse_change(text: str) -> Change:
    """``seconds,max[,min[,raise]]``. Raises ValueError with what is wrong."""
    after, *rest = (part.strip() for part in text.split(",", 3))
    if not rest:
        raise ValueError("write seconds,max[,min[,raise]]")
    return make_change(after, *rest)


def make_change(after: str, highest: str = "", lowest: str = "", raised: str = "") -> Change:
    """A change by its parts, of which those left empty change nothing. Raises ValueError with what is wrong."""
    if not after.isdigit():
        raise ValueError(f'"{after}" is no number of seconds')
    respects = raised.startswith("r")
    return Change(int(after), _step(highest), _step(lowest), _step(raised.removeprefix("r")), respects)


def _step(text: str) -> Step:
    if not text:
        return UNCHANGED
    found = _STEP.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is no penalty; write a number, +number or -number')
    return Step(int(text), bool(found.group(1)))


def read_rules(config: ConfigFile | None, errors: list[ConfigError]) -> Rules:
    """The rules of a file; what is wrong is added to ``errors`` and left out."""
    rules: Rules = {}
    for section in config or ():
        if section.name.lower() == "general":
            continue
        rule = rules.setdefault(section.name.lower(), Rule(section.name))
        for entry in section:
            if entry.name.lower() != "penaltychange":
                sentence = f'unknown option "{entry.name}"; a rule has penaltychange'
                errors.append(ConfigError(entry.file, entry.line, sentence))
                continue
            try:
                rule.add(parse_change(entry.value))
            except ValueError as error:
                errors.append(ConfigError(entry.file, entry.line, f"penaltychange = {entry.value}: {error}"))
    return rules


def add_rows(rules: Rules, rows: Iterable[Mapping[str, str]], errors: list[str]) -> None:
    """Take in rows of the table queue_rules; sentences about what is wrong with them are added to ``errors``."""
    for row in rows:
        name = row.get("rule_name", "")
        if not name:
            continue
        parts = (row.get(column, "").strip() for column in ("time", "max_penalty", "min_penalty", "raise_penalty"))
        try:
            change = make_change(*parts)
        except ValueError as error:
            errors.append(f"queue_rules: rule {name}: {error}")
            continue
        rules.setdefault(name.lower(), Rule(name)).add(change)
