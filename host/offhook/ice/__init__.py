"""Interactive Connectivity Establishment without sockets or clocks: STUN (RFC 8489), TURN (RFC 8656) and ICE (8445)."""
