"""SIP protocol core without I/O."""
