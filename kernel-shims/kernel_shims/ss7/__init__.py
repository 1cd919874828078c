"""SS7 by libss7: MTP2 and MTP3 links as a Linkset, ISUP as typed events."""
