"""Many calls at once in a daemon that may open few files (the short form of `make soak-media`)."""

from __future__ import annotations

import pytest

from support.crowd_proof import proof


@pytest.mark.parametrize("mode", ["auto", "pool"])
def test_calls_cost_no_descriptor_and_each_is_heard_by_its_own_party(mode: str) -> None:
    assert proof(mode, calls=60, limit=160, churn=0)
