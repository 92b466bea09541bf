"""Pictures that come with a form: at most a few, read by threads of their own, so that nothing else waits for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import anyio
import anyio.to_thread
from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from roadwarden.service.evidence import BadPicture, EvidenceDesk, PictureProblem
from roadwarden.storage.evidence import KeptEvidence

MOST_PICTURES: Final = 5
MOST_FIELDS: Final = 200
FIELD_BYTES: Final = 64 * 1024
AT_ONCE: Final = 2


async def form_with_pictures(request: Request) -> FormData:
    """A multipart form within bounds; raises HTTPException for one beyond them."""
    return await request.form(max_files=MOST_PICTURES, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES)


def files_of(form: FormData) -> list[UploadFile]:
    """The files that somebody chose; a browser sends an empty one where nobody did."""
    found = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    return [one for one in found if one.filename or one.size]


async def take_in(desk: EvidenceDesk, files: Sequence[UploadFile], received_from: str) -> tuple[KeptEvidence, ...]:
    """Keeps each of them, in their order, whatever their names and types say they are. Raises BadPicture."""
    kept = []
    for file in files:
        if file.size is not None and file.size > desk.limits.most_bytes:
            text = f"the picture has {file.size:,} bytes; at most {desk.limits.most_bytes:,}: send a smaller one"
            raise BadPicture(PictureProblem.TOO_MANY_BYTES, text)
        data = await file.read()
        kept.append(await anyio.to_thread.run_sync(desk.take_in, data, received_from, limiter=_threads(desk)))
    return tuple(kept)


_limiters: dict[int, anyio.CapacityLimiter] = {}


def _threads(desk: EvidenceDesk) -> anyio.CapacityLimiter:
    """Of this desk: a limiter belongs to one event loop."""
    return _limiters.setdefault(id(desk), anyio.CapacityLimiter(AT_ONCE))
