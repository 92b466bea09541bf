"""Use cases: what the commands, the interface and the workers call."""
