"""Where pictures may be sent: what a server's URL must look like, and whether it is near."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from urllib.request import getproxies

from pydantic import AfterValidator

_HOST_AND_PORT = re.compile(r"[\w.:\[\]-]+")
"""Readers of URLs differ on other characters, and the host must be one to all of them."""


def server_url(url: str) -> str:
    """A base URL as it can be used, and be shown in reports and notices.

    Raises:
        ValueError: It is none, or may hold a secret; the message does not repeat it.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise ValueError("the URL of a server is http:// or https:// with host, port and path")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "the URL holds a login or a query, and reports show the URL: give a key in the "
            "environment (ICH_MLLM_API_KEY) instead"
        )
    if not _HOST_AND_PORT.fullmatch(parts.netloc):
        raise ValueError("the URL of a server has a host that cannot be")
    return url


ServerUrl = Annotated[str, AfterValidator(server_url)]


def host_of(url: str) -> str:
    """Host and port of a server's URL."""
    return urlsplit(url).netloc.lower()


def proxy_of(url: str) -> str | None:
    """Host and port of the proxy that the environment names for a server, ``None`` without one.

    Whether NO_PROXY leaves the server out is for the HTTP library to say.
    """
    named = getproxies()
    proxy = named.get(urlsplit(url).scheme) or named.get("all")
    if not proxy or is_this_machine(url):
        return None
    return host_of(proxy if "://" in proxy else f"//{proxy}").rpartition("@")[2]


def is_this_machine(url: str) -> bool:
    """Whether a URL points at the loopback interface."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
