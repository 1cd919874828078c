"""Trunks to the cloud: one section of trunk.conf is a registered, encrypted trunk that looks after itself."""
