"""The dialplan language: extensions, patterns, variables, expressions, and the executor."""
