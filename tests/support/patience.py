"""How long tests wait for what should happen at once."""

PATIENCE_S = 120.0
"""Seconds after which it counts as never happening; a busy machine is slow, and no test fails on that."""
