"""The command line interface: commands, the control socket and its consoles."""
