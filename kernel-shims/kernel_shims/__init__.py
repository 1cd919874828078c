"""Bindings to kernel drivers of telephone hardware, and simulators of that hardware. They know nothing of calls."""
