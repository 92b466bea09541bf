"""A zip with one spelling: files sorted by name, stored as they are, no dates, no attributes, no comments.

Reading packs the files again and compares, so a byte that belongs to no file counts as much as one that does.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Final

from roadwarden.errors import LedgerError

MOST_BYTES: Final = 1 << 30
MOST_FILES: Final = 20_000
"""Of a bundle. Each takes half a kilobyte of memory when the zip is opened, and 46 bytes of a bomb."""
_END: Final = struct.Struct("<4s4H2LH")
_WIDE: Final = b"PK\x06\x07"
MOST_ENTRY_BYTES: Final = 46 + 300
"""Of the list of files, for each: 46 and its name."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def pack(files: Mapping[str, bytes]) -> bytes:
    """The zip; the same files give the same bytes on every machine."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[name])
    return content.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """The files; raises LedgerError for a zip that is not spelled as ``pack`` does, or is none."""
    if len(content) > MOST_BYTES:
        raise LedgerError(f"the bundle has {len(content):,} bytes, more than {MOST_BYTES:,}")
    _check_end(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise LedgerError("the bundle is not packed as bundles are: a file is compressed")
            if sum(entry.file_size for entry in entries) > len(content):
                raise LedgerError("the bundle is not packed as bundles are: it claims more than it holds")
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError) as exc:
        raise LedgerError(f"the bundle is damaged: {exc}") from exc
    if len(files) != len(entries) or _packed(files) != content:
        raise LedgerError(
            "the bundle is not packed as bundles are: bytes outside its files were changed, added or cut off"
        )
    return files


def _check_end(content: bytes) -> None:
    """Looks at the end of a zip before anything of it is unpacked; raises LedgerError where ``pack`` made none such."""
    end = content[-_END.size :]
    if len(end) < _END.size or not end.startswith(b"PK\x05\x06"):
        raise LedgerError("the bundle is not packed as bundles are: its end was cut off, or it is no zip")
    _, _, _, here, files, directory_bytes, _, _ = _END.unpack(end)
    wide = content[-_END.size - 20 :].startswith(_WIDE)
    if wide or here != files or files > MOST_FILES or directory_bytes > files * MOST_ENTRY_BYTES:
        raise LedgerError(f"the bundle is not packed as bundles are: its list is of more than {MOST_FILES:,} files")


def _packed(files: Mapping[str, bytes]) -> bytes | None:
    try:
        return pack(files)
    except (ValueError, UnicodeError):
        return None
