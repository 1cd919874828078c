"""REFER: calls that are sent elsewhere, by us or by the far end."""
