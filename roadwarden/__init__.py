"""Roadwarden: from road camera frames to typed defects, cases with deadlines and checkable evidence."""

__version__ = "0.1.0"
