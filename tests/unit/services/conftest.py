"""Services work in the exchange in memory of the calls."""

from unit.calls.conftest import exchange

__all__ = ["exchange"]
