"""Asterisk's configuration language and typed option tables."""

from offhook.config.model import ConfigError, ConfigFile, Entry, Section
from offhook.config.parser import load, loads

__all__ = ["ConfigError", "ConfigFile", "Entry", "Section", "load", "loads"]
