"""The interfaces people and programs use: CLI, manager, HTTP, ARI, AGI."""
