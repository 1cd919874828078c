"""Lines as people and programs see them: commands, manager actions, dialplan functions."""
