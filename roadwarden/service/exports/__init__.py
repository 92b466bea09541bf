"""Defects and coverage in the files that other programs read."""
