"""A crowd of callers before a few members, the short form; make soak-queues is the long one."""

from __future__ import annotations

import pytest

from unit.queues.house import SERVED
from unit.queues.soak import rush


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everybody_does_anything_at_any_moment(seed: int) -> None:
    began = rush(40, 8, 120, seed)
    assert sum(began[event] for event in SERVED) > 20, "few were served: the crowd does not try what it should"
    assert began["most in line"] > 20
