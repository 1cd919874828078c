"""chan_dahdi.conf: what may stand in it, how it is read, and what is proposed for hardware that is found."""
