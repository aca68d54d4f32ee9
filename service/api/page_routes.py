"""/ and /assets, the built page; /sample, an image to try it with. They ask nobody who they are."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Response
from fastapi.responses import FileResponse, HTMLResponse

from service.api.score_routes import PROBLEMS
from service.sample import sample_image

# What `scripts/web` makes of the sources beside it; in an installed package it is there already.
BUILT = Path(__file__).resolve().parents[1] / "web" / "dist"

_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Atypia</title>
<main>
<h1>Atypia</h1>
<p>The service runs, but its page has not been built. Run <code>scripts/web</code> in the source tree and load
this page again.</p>
<p><a href="docs">The interface for programs</a> is there all the same.</p>
</main>
</html>
"""
# The system's own table knows some of these on some machines only.
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
# The smaller first; a file of that name lies beside the one that it is packed from.
_PACKED = {"br": ".br", "gzip": ".gz"}
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_REVALIDATED = {"Cache-Control": "no-cache"}
# Such a file has its digest in its name: another content is another name.
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}

router = APIRouter(tags=["page"], responses=PROBLEMS)
AcceptEncoding = Annotated[str, Header(include_in_schema=False)]


@router.get("/", include_in_schema=False)
async def get_page(accept_encoding: AcceptEncoding = "") -> Response:
    """The page, or how to build it."""
    if not (BUILT / "index.html").is_file():
        return HTMLResponse(_NOT_BUILT, headers=_REVALIDATED)
    return _file(BUILT / "index.html", "text/html", accept_encoding, _REVALIDATED)


@router.get("/assets/{name}", include_in_schema=False)
async def get_asset(name: str, accept_encoding: AcceptEncoding = "") -> Response:
    """One of the page's files."""
    path = BUILT / "assets" / name
    media_type = _TYPES.get(path.suffix)
    # A name without a separator leads nowhere else.
    if media_type is None or not _NAME.fullmatch(name) or not path.is_file():
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return _file(path, media_type, accept_encoding, _FOR_EVER)


@router.get("/sample", responses={200: {"content": {"application/dicom": {}}}}, response_class=FileResponse)
async def get_sample() -> FileResponse:
    """A chest X-ray that the shipped models are for."""
    path = sample_image()
    return FileResponse(path, media_type="application/dicom", filename=path.name)


def _file(path: Path, media_type: str, accept_encoding: str, headers: dict[str, str]) -> FileResponse:
    """A file, packed where that lies beside it and the client takes it."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    for coding, suffix in _PACKED.items():
        packed = path.with_name(path.name + suffix)
        if _takes(coding, accept_encoding) and packed.is_file():
            return FileResponse(
                packed, media_type=media_type, headers={**headers, "Content-Encoding": coding}
            )
    return FileResponse(path, media_type=media_type, headers=headers)


def _takes(coding: str, accept_encoding: str) -> bool:
    """RFC 9110 12.5.3; a coding that is named with the quality 0 is refused."""
    for part in accept_encoding.lower().split(","):
        name, _, quality = part.replace(" ", "").partition(";q=")
        if name == coding:
            return quality.strip("0.") != "" or not quality
    return False
