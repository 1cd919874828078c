"""Astribanks: their firmware, their registration in stable order, and what the console tells of them."""
