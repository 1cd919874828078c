"""The exchange in memory that tests of calls use."""

from unit.calls.conftest import exchange

__all__ = ["exchange"]
