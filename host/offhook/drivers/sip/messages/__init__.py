"""MESSAGE and NOTIFY outside calls."""
