"""ISDN trunks (PRI and BRI): spans with a D channel, calls on their B channels."""
