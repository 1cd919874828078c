"""Diagnostics by a fixed set of verbs, for a login that can do nothing else: ``ssh diag@box VERB``."""
