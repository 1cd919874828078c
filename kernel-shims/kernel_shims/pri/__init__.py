"""ISDN by libpri: one D channel as a PriLink."""
