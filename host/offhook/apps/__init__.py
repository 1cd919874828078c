"""Dialplan applications, one family a file."""
