"""pbx_ael: the Asterisk Extension Language, read into the same dialplan as extensions.conf."""
