"""A whole daemon with simulated lines: what somebody tries out without hardware."""

from __future__ import annotations

from pathlib import Path

from support.daemon import Daemon

SYSTEM = "dynamic=sim,desk,2,0\ndynamic=sim,street,1,0\nfxoks=1-2\nfxsks=3\n"
CHANNELS = """
[channels]
signalling = fxo_ks
context = phones
callerid = Alice <101>
channel => 1-2
callerid = asreceived
signalling = fxs_ks
pulsedial = yes
context = street
channel => 3
"""
PLAN = """
[phones]
exten => 102,1,Dial(DAHDI/2,30)
exten => 9,1,Dial(DAHDI/3/5551234,30)
[street]
exten => s,1,Set(GLOBAL(WHO)=${CALLERID(num)} ${CALLERID(name)})
 same => n,Dial(DAHDI/1,30)
"""


def test_phones_and_lines_by_script(tmp_path: Path) -> None:
    """A phone calls another; a call comes in, another goes out. Pulses, since sound may stutter on a busy machine."""
    (tmp_path / "etc/dahdi").mkdir(parents=True)
    (tmp_path / "etc/dahdi/system.conf").write_text(SYSTEM)
    with Daemon(tmp_path, {"chan_dahdi.conf": CHANNELS, "extensions.conf": PLAN}) as daemon:
        assert "FXS Kewlstart" in daemon.cli("dahdi show channels")
        assert "done" in daemon.cli("line simulate 1 off-hook; wait 0.5; pulse 102")
        assert "done" in daemon.cli("line simulate 2 until ringing; off-hook; wait 0.5")
        assert "2 active channels" in daemon.cli("core show channels count")
        assert "done" in daemon.cli("line simulate 2 on-hook; wait 0.5")
        assert "0 active channels" in daemon.cli("core show channels count")
        assert "done" in daemon.cli("line simulate 1 on-hook; wait 0.5")
        assert "done" in daemon.cli("line simulate 3 ring 5550199 Carol")
        assert "done" in daemon.cli("line simulate 1 until ringing; off-hook")
        assert "done" in daemon.cli("line simulate 3 until talking; hang-up")
        assert "WHO=" in daemon.cli("dialplan show globals")
        assert "done" in daemon.cli("line simulate 1 on-hook; wait 3; off-hook; wait 0.5; pulse 9")
        assert "done" in daemon.cli("line simulate 3 until talking")
        assert "knows no step" in daemon.cli("line simulate 1 jump", check=False)
