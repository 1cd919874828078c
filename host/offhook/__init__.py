"""Offhook: a PBX for the edge."""

__version__ = "0.1.0"

#: The Asterisk release whose interfaces Offhook speaks. Scripts and clients see this version
#: wherever Asterisk reports its own (AMI banner aside, `core show version` names both).
ASTERISK_VERSION = "22.10.1"
