"""Archives of frames: folders, zips, tars, videos, globs, URLs and lists."""

from roadwarden.data.archives.base import Archive, Entry, UnreadableEntry
from roadwarden.data.archives.opening import archive_label, open_archive

__all__ = ["Archive", "Entry", "UnreadableEntry", "archive_label", "open_archive"]
