"""Reads archives, positions and data sets."""
