"""Agents who log in and wait on their telephone for calls (app_agent_pool)."""
