"""The call model: channels, bridges, dialling, parties, causes, and the bus of events."""
