"""Call queues: callers wait in line, members are called for them."""
