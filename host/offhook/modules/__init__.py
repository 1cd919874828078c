"""Modules: what a feature file registers, and how it is found, loaded and unloaded."""

from offhook.modules.action import ActionError, ActionRequest
from offhook.modules.command import CommandError, Request
from offhook.modules.module import Action, Application, Command, Driver, Function, LoadError, Module
from offhook.modules.syntax import Options, Syntax, split_arguments

__all__ = [
    "Action",
    "ActionError",
    "ActionRequest",
    "Application",
    "Command",
    "CommandError",
    "Driver",
    "Function",
    "LoadError",
    "Module",
    "Options",
    "Request",
    "Syntax",
    "split_arguments",
]
