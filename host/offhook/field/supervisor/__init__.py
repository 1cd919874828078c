"""The line supervisor: its link, the daemon's side of it, its commands."""
