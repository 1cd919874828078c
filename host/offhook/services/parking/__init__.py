"""Parking: calls that wait in numbered places until somebody fetches them."""
