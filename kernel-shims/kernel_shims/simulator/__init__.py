"""Simulated lines: phones that dial, exchanges that ring, far ends that hang up. In process, scripted, with sound."""
