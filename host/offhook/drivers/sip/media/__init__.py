"""Offer and answer: what is said in SDP about the sound and pictures of a call."""
