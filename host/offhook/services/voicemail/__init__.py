"""Voicemail boxes as files of the spool."""
