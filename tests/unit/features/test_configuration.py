"""features.conf: what is read, and what is told when something is wrong."""

from __future__ import annotations

import pytest

from offhook.config.parser import loads
from offhook.services.features.configuration import AppFeature, read_features


def test_general_codes_applications_and_groups_are_read() -> None:
    found = read_features(
        loads(
            """
[general]
transferdigittimeout = 7
atxferdropcall = yes
pickupexten = *9
[featuremap]
blindxfer => #1
[applicationmap]
mark => #9,peer,Playback,"one&two",default
note => #8,self/both,Gosub(notes,s,1(a,b))
[talk]
mark =>
note => *8
""",
            "features.conf",
        )
    )
    assert found.general.transferdigittimeout == 7
    assert found.general.atxferdropcall
    assert found.general.pickupexten == "*9"
    assert found.codes.blindxfer == "#1"
    assert found.codes.disconnect == "*"
    assert found.applications["mark"] == AppFeature("mark", "#9", False, "Playback", "one&two", "default")
    assert found.applications["note"] == AppFeature("note", "#8", True, "Gosub", "notes,s,1(a,b)")
    assert [feature.code for feature in found.named("talk", "x")] == ["#9", "*8"]


def test_unknown_names_are_told_and_the_rest_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    text = "[general]\nparkext=700\nnonsense=1\ntransferdigittimeout=soon\nxfersound=ding\n[g]\nnobody=#1\n"
    found = read_features(loads(text, "features.conf"))
    assert found.general.xfersound == "ding"
    assert found.general.transferdigittimeout == 3
    told = " ".join(caplog.messages)
    assert "features.conf:2: parking is set up in res_parking.conf" in told
    assert "features.conf:3: no option 'nonsense'" in told
    assert "features.conf:4: transferdigittimeout = soon" in told
    assert "'nobody'" in told
