"""Asterisk's configuration language and typed option tables."""
