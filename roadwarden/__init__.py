"""Roadwarden: from road camera frames to typed defects, cases with deadlines and checkable evidence."""

__version__ = "1.0.0"
