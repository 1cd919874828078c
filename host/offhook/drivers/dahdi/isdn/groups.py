"""Trunk groups: spans with a D channel in common, and others that stand by (NFAS; chan_dahdi.conf, [trunkgroups])."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class TrunkGroup:
    """``d_channels`` are channels of DAHDI, the primary one first; ``spans`` their logical numbers by span."""

    number: int
    d_channels: list[int]
    spans: dict[int, int] = field(default_factory=dict)


def _numbers(line: str, least: int, form: str) -> list[int]:
    words = [word.strip() for word in line.split(",")]
    if len(words) < least or not all(word.isdigit() for word in words):
        raise ValueError(f'"{line}" is not {form}')
    return [int(word) for word in words]


def groups_of(trunk_groups: Iterable[str], span_maps: Iterable[str]) -> dict[int, TrunkGroup]:
    """The groups by span. Raises ValueError, which says which line is wrong."""
    groups: dict[int, TrunkGroup] = {}
    for line in trunk_groups:
        number, *d_channels = _numbers(line, 2, "trunkgroup => group,dchannel[,backup...]")
        groups[number] = TrunkGroup(number, d_channels)
    by_span: dict[int, TrunkGroup] = {}
    for line in span_maps:
        span, number, *rest = _numbers(line, 2, "spanmap => span,group[,logical span]")
        group = groups.get(number)
        if group is None:
            raise ValueError(f"spanmap => {line}: there is no trunk group {number}")
        logical = rest[0] if rest else 0
        if logical in group.spans.values() or span in by_span:
            raise ValueError(f"spanmap => {line}: span or logical span is mapped already")
        group.spans[span] = logical
        by_span[span] = group
    return by_span
