"""Event subscriptions and publications (RFC 6665, 3903, 4662): who watches what, and how it is told."""
