"""Trains, tunes and exports detectors."""
