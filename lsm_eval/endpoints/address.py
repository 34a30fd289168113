"""A server's base URL, checked, and free of secrets."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from lsm_eval.errors import UserError


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL that holds no credentials."""

    url: str
    """Without a slash at the end, such as `https://host/v1`."""
    host: str
    encrypted: bool

    @property
    def root(self) -> str:
        """The server's address without `/v1`."""
        return self.url.removesuffix("/v1")

    @property
    def loopback(self) -> bool:
        """Whether the server runs on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_address(text: str) -> Address:
    """The address that `--base-url` gives. Raises `UserError` if it is not one, without repeating what could be secret."""
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")  # as it is looked up: a part may be empty, or too long
    except ValueError:
        # Python's message may repeat half a password, and so would a traceback.
        raise UserError("--base-url is no URL: write it as http://HOST:PORT/v1.") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise UserError(
            "--base-url holds a user or a password, which would stand in records and process lists: leave it out, and "
            "name the variable that holds the key with --api-key-env NAME."
        )
    if parts.scheme not in ("http", "https") or not host:
        raise UserError("--base-url is no address of a server: write it as http://HOST:PORT/v1.")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise UserError(
            "--base-url has something after ? or #, which may be secret: give the address alone, and the key with "
            "--api-key-env NAME."
        )
    if any(not "!" <= letter <= "~" for letter in text.strip()):
        raise UserError(
            "--base-url holds a space or a letter that no URL has: write it as http://HOST:PORT/v1."
        )
    url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    for end in ("/chat/completions", "/completions", "/responses"):
        if url.endswith(end):
            raise UserError(
                f"--base-url ends with {end}: give the address above it, such as {url.removesuffix(end)}."
            )
    return Address(url, host, parts.scheme == "https")
