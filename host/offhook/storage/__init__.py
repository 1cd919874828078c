"""Databases and files that outlive the process."""
