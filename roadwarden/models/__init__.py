"""Detectors behind one protocol, and the shipped weights."""
