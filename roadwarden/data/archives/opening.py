"""Which kind of archive a text names."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from roadwarden.data.archives.base import Archive
from roadwarden.data.archives.files import FilesArchive, FolderArchive, ListArchive
from roadwarden.data.archives.packed import TarArchive, ZipArchive
from roadwarden.data.archives.video import VIDEO_ENDINGS, VideoArchive
from roadwarden.data.redact_url import redact_url
from roadwarden.errors import DataError, MissingExtra

TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
REMOTE_EXTRAS = {"s3": "roadwarden[s3]"}


def open_archive(spec: str) -> Archive:
    """The archive that ``spec`` names: folder, zip, tar, video, glob, fsspec URL or .txt list of paths.

    Raises DataError where there is nothing, MissingExtra where a package is needed to read it.
    """
    if "://" in spec:
        return _open_url(spec)
    place = Path(spec)
    if place.is_dir():
        return FolderArchive(place)
    if place.is_file():
        return _open_file(place)
    if any(sign in spec for sign in "*?["):
        import fsspec  # here: it takes longer to load than a decoder's process has need of

        return FilesArchive(fsspec.filesystem("file"), spec)
    raise DataError(f"{spec}: no such folder, archive, video or list; check the path, or quote a glob")


def archive_label(spec: str) -> str:
    """A short name for reports, without the machine's folders or a URL's credentials."""
    return PurePosixPath(redact_url(spec).rstrip("/")).name or spec


def _open_file(place: Path) -> Archive:
    name = place.name.lower()
    if name.endswith(".zip"):
        return ZipArchive(place)
    if name.endswith(TAR_ENDINGS):
        return TarArchive(place)
    if place.suffix.lower() in VIDEO_ENDINGS:
        return VideoArchive(place)
    if name.endswith(".txt"):
        return ListArchive(place)
    raise DataError(
        f"{place}: not an archive; wanted a folder, .zip, .tar, "
        f"a video ({', '.join(sorted(VIDEO_ENDINGS))}) or a .txt list"
    )


def _open_url(url: str) -> Archive:
    scheme = url.partition("://")[0]
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as exc:
        extra = REMOTE_EXTRAS.get(scheme, f"the fsspec package for {scheme}://")
        raise MissingExtra(f"{redact_url(url)}: pip install '{extra}' to read it") from exc
    except ValueError as exc:
        raise DataError(f"{redact_url(url)}: {redact_url(str(exc))}") from exc
    return FilesArchive(system, path)
