"""Call detail records: one or more a call, cut as Asterisk cuts them, and where they are written."""
