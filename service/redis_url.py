"""The URL of Redis with what the settings say beside it, as a secret is better kept in a file."""

from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit, urlunsplit


def complete_url(url: str, *, password_file: Path | None, ca_file: Path | None) -> str:
    """The URL with the password, and with the certificates that the server's is held against."""
    parts = urlsplit(url)
    netloc, query = parts.netloc, parts.query
    if password_file is not None:
        said, _at, hosts = netloc.rpartition("@")
        user = said.partition(":")[0]
        netloc = f"{user}:{quote(password_file.read_text().strip(), safe='')}@{hosts}"
    if ca_file is not None:
        query = "&".join(filter(None, (query, urlencode({"ssl_ca_certs": ca_file.resolve()}))))
    return urlunsplit(parts._replace(netloc=netloc, query=query))
