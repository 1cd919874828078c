"""DAHDI: channels and spans of the kernel drivers, by their user interface alone (/dev/dahdi, sysfs)."""
