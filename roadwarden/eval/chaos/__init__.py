"""The acceptance test of the streaming worker: all goes wrong, by a seed, and the outcome must be the calm one."""
