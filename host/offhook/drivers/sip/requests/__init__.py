"""Requests outside calls, both ways: who sends them, and what becomes of ours."""
