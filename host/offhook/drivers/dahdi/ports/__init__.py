"""Ports on two wires: the orders of the machines in analog/ carried out."""
