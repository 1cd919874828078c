"""The gateway interface: programs that steer a call, as child processes, over TCP, or through the manager."""
