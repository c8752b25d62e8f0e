"""Fetching from addresses that clients name, without letting them reach what only this machine can reach.

The name is resolved once, every address is looked at, and the connection goes to the address that was looked at: a name
that answers differently the second time gains nothing. Each redirect goes through the same door.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import httpx

from unflat.core.errors import InputError

_MOST_REDIRECTS = 4
_CONNECT_S = 5.0
_WHOLE_S = 30.0
_PORTS_REFUSED = frozenset({22, 23, 25, 53, 110, 143, 445, 465, 587, 993, 995, 2049, 3306, 5432, 6379, 9200, 11211})
"""Of services that don't speak HTTP, or that no picture comes from."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HEADERS = {"User-Agent": "unflat", "Accept": "*/*", "Accept-Encoding": "identity"}


class Fetcher:
    """Gets and posts, within limits."""

    def __init__(self, allow_private: bool, max_bytes: int, whole_s: float = _WHOLE_S) -> None:
        self._allow_private, self._max_bytes, self._whole_s = allow_private, max_bytes, whole_s

    @contextmanager
    def get(self, url: str) -> Iterator[Iterator[bytes]]:
        """The content, in pieces, within the time that a fetch may take. Raises `InputError` with a ``url-…`` code."""
        until = time.monotonic() + self._whole_s
        with _client() as client:
            response = self._final_response(client, url, until)
            try:
                yield _bounded(response, self._max_bytes, until)
            finally:
                response.close()

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Send a message; gives the status. Redirects are not followed. Raises `InputError`."""
        with _client() as client:
            request = self._request(client, "POST", url, headers | {"User-Agent": "unflat"}, body)
            response = _sent(client, request, url)
            try:
                return response.status_code
            finally:
                response.close()

    def check(self, url: str) -> None:
        """Raise `InputError` for an address that would be refused now."""
        _address_of(url, self._allow_private)

    def _final_response(self, client: httpx.Client, url: str, until: float) -> httpx.Response:
        for _ in range(_MOST_REDIRECTS + 1):
            if time.monotonic() > until:
                raise _refused(url, "url-timeout", "took too long to answer")
            response = _sent(client, self._request(client, "GET", url, _HEADERS), url)
            if response.has_redirect_location:
                response.close()
                url = _joined(url, response.headers["location"])
                continue
            if response.status_code != 200:
                response.close()
                raise _refused(url, "url-status", f"answered with status {response.status_code}, expected 200")
            return response
        raise _refused(url, "url-redirects", f"redirects more than {_MOST_REDIRECTS} times")

    def _request(
        self, client: httpx.Client, method: str, url: str, headers: dict[str, str], body: bytes | None = None
    ) -> httpx.Request:
        """A request to the address that was looked at; the name stays in Host and in the certificate's check."""
        address = _address_of(url, self._allow_private)
        parts = urlsplit(url)
        host = parts.hostname or ""
        place = f"[{address}]" if ":" in address else address
        port = f":{parts.port}" if parts.port else ""
        target = f"{parts.scheme}://{place}{port}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        named = f"[{host}]" if ":" in host else host.encode("idna").decode()
        try:
            return client.build_request(
                method,
                target,
                headers=headers | {"Host": f"{named}{port}"},
                content=body,
                extensions={"sni_hostname": host},
            )
        except httpx.InvalidURL as error:
            raise _refused(url, "url-invalid", "is no valid address") from error


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _refused(location, "url-invalid", "is no valid address") from error


def _client() -> httpx.Client:
    # No proxy from the environment, no cookies, no redirects of its own.
    return httpx.Client(
        trust_env=False, follow_redirects=False, timeout=httpx.Timeout(10.0, connect=_CONNECT_S), max_redirects=0
    )


def _sent(client: httpx.Client, request: httpx.Request, url: str) -> httpx.Response:
    try:
        return client.send(request, stream=True)
    except httpx.TimeoutException as error:
        raise _refused(url, "url-timeout", "did not answer in time") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise _refused(url, "url-unreachable", "can't be reached") from error


def _bounded(response: httpx.Response, limit: int, until: float) -> Iterator[bytes]:
    url, size = str(response.request.headers.get("host", "")), 0
    told = response.headers.get("content-length", "")
    if told.isdigit() and int(told) > limit:
        raise _refused(url, "url-too-large", f"has {int(told) / 2**20:.0f} MiB, at most {limit / 2**20:.0f} are taken")
    try:
        for piece in response.iter_raw(65536):
            size += len(piece)
            if size > limit:
                raise _refused(url, "url-too-large", f"has more than {limit / 2**20:.0f} MiB")
            if time.monotonic() > until:
                raise _refused(url, "url-timeout", "sends too slowly")
            yield piece
    except (httpx.HTTPError, OSError) as error:
        raise _refused(url, "url-unreachable", "broke off") from error


def _address_of(url: str, allow_private: bool) -> str:
    """The address that the URL's name stands for, if all of them are public. Raises `InputError`."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
        if host is not None and ":" not in host:
            host.encode("idna")
    except (ValueError, UnicodeError) as error:
        raise _refused(url, "url-invalid", "is no valid address") from error
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise _refused(url, "url-invalid", "is no http or https address")
    if parts.username is not None or parts.password is not None:
        raise _refused(url, "url-invalid", "holds a user name or a password")
    if port in _PORTS_REFUSED or port == 0:
        raise _refused(url, "url-forbidden", f"names port {port}, which no picture comes from")
    try:
        found = socket.getaddrinfo(host, port or (443 if parts.scheme == "https" else 80), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _refused(url, "url-unreachable", "names a host that is not known") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or (not allow_private and not all(is_public(address) for address in addresses)):
        raise _refused(url, "url-forbidden", "leads into a private network")
    return addresses[0]


def is_public(text: str) -> bool:
    """Whether an address belongs to the open internet, also where an IPv6 address wraps an IPv4 one."""
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if int(address) >> 32 == 0:  # IPv4-compatible, long out of use
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _refused(url: str, code: str, why: str) -> InputError:
    return InputError(
        f"“{url[:120]}” {why}.", code=code, hint="Give a public http or https address of the file, or upload it."
    )
