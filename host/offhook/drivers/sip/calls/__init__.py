"""Calls: PJSIP channels and their sessions."""
