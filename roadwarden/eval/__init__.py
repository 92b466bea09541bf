"""Measures what the system claims."""
