"""The module that the functions of this folder belong to."""

from __future__ import annotations

from offhook.modules import Module

module = Module("func_strings", "String handling dialplan functions")
