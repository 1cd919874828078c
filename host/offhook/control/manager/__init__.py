"""The manager interface (AMI): actions in, events out, over TCP, TLS and HTTP."""

AMI_VERSION = "11.0.0"
"""The protocol's version in Asterisk 22, told in the banner."""
