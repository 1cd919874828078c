"""Conference rooms: who is in them, what they hear, and what confbridge.conf says of it."""
