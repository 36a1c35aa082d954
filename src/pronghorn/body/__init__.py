"""Bodies: what can be sent as one, and what can be parsed out of one."""
