"""Addresses of record: who is registered where, and who can be reached."""
