"""IAX2 channels: iax.conf, its peers and users, calls over them, and what console and manager show of them."""
