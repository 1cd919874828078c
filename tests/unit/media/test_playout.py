"""How long sound is held back."""

from __future__ import annotations

import pytest

from support.far_end import Scene


@pytest.mark.parametrize(("kind", "ms", "expected"), [("usual", 0, 20), ("adaptive", 100, 100), ("fixed", 80, 80)])
def test_sound_is_held_back(scene: Scene, kind: str, ms: int, expected: int) -> None:
    one, two = scene.decoded_pair()
    one.leg.set_playout(kind, ms)  # type: ignore[arg-type]
    scene.run(20)
    waited = 0
    while not two.packets:
        if waited % 20 == 0:
            one.send(bytes(160))
        scene.run(10)
        waited += 10
    assert abs(waited - 20 - expected) <= 10, "20 ms are a packet of ours"


def test_a_leg_that_is_told_how_is_not_relayed(scene: Scene) -> None:
    one, two = scene.pair("ulaw", "ulaw")
    one.send(bytes(160))
    scene.run(30)
    assert two.leg.figures()["relayed"] or one.leg.figures()["relayed"]
    one.leg.set_playout("fixed", 40)
    scene.run(30)
    assert not one.leg.figures()["relayed"]


def test_a_fixed_buffer_drops_what_comes_too_late(scene: Scene) -> None:
    one, _two = scene.decoded_pair()
    one.leg.set_playout("fixed", 40)
    for _ in range(20):
        one.send(bytes(160))
        scene.run(20)
    scene.run(80)  # a stall: the first of these come when their time is over
    for _ in range(5):
        one.send(bytes(160))
    scene.run(100)
    assert 1 <= one.leg.stats().late <= 4
