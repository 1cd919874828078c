"""SS7 trunks: linksets, their signalling channels, and circuits with ISUP calls."""
