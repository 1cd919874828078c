"""Channel event logging: what happens to channels as single records, and where they are written."""
