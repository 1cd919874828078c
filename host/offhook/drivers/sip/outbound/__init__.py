"""Registrations of ours with servers."""
