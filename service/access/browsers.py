"""Pages of other sites in a user's browser, which reach what only that user's machine can reach.

Source: the Fetch Metadata draft of the W3C (`Sec-Fetch-Site`); RFC 6454, section 7 (`Origin`).
A browser sends these headers by itself, and no script in a page can change them or `Host`.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit


def host_of(headers: Mapping[str, str]) -> str | None:
    """The host that the caller believes to speak to; None if it does not say, as no browser would."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return ""


def is_of_another_page(headers: Mapping[str, str]) -> bool:
    """Whether a page that did not come from this service made a browser send the request."""
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = headers.get("origin")  # older browsers, and pages without TLS
    return origin is not None and origin.partition("//")[2] != headers.get("host")
