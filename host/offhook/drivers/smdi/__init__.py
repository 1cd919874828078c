"""SMDI: what an exchange tells a voicemail system over a serial line of the calls that it sends there."""
