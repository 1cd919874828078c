"""The ways of mixing, as the manager and the console list them."""

from __future__ import annotations

TECHNOLOGIES = (
    ("native_rtp", "Native", 90),
    ("holding_bridge", "Holding", 50),
    ("simple_bridge", "1to1Mix", 50),
    ("softmix", "MultiMix", 10),
)
"""Ways of mixing: name, kind, preference."""

SUSPENDED = "bridges.suspended"
"""Where ``pbx.parts`` has the names of technologies that are not to be used."""
