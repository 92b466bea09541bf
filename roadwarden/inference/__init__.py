"""Runs detectors over archives and streams."""
