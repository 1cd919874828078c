"""Channel technologies."""
