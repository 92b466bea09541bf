"""Who somebody is on the network, and what he may: values, rules and secrets. Pure but for the system's randomness."""
