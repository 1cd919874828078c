"""Diagnostics for the installer."""
