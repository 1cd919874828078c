"""A simulated Astribank, in process or plugged into this machine's kernel over usbip."""
