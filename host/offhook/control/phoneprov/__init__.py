"""Phones fetch their configuration from the web server."""
