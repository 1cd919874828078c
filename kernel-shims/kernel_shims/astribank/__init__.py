"""Xorcom's Astribank: its firmware stages over USB, what xpp's drivers tell of it in sysfs, and a simulated one."""
