"""What carries SIP: sockets, connections, names and routes to the far end."""
