"""The guard before addresses that clients name: no private network, whatever it is called."""

import http.server
import threading

import pytest

from unflat.apps.server.fetch import Fetcher, is_public
from unflat.core.errors import InputError

PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "2001:db8::1", "::127.0.0.1", "nonsense",
]  # fmt: skip
URLS = [
    "http://127.0.0.1/", "http://localhost/x.png", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0177.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/", "http://10.0.0.1/", "http://192.168.0.1:8080/", "http://[64:ff9b::7f00:1]/", "http://0/",
]  # fmt: skip
INVALID = [
    "ftp://example.com/x", "file:///etc/passwd", "gopher://x/", "http://", "http:///x", "//x/y", "x", "http://a b/",
    "http://user:pass@8.8.8.8/", "http://8.8.8.8:99999/", "http://[::1/", "data:text/plain,x", "javascript:1",
    "http://x\r\nHost: y/", "http://8.8.8.8/\x7f", "http://" + "a" * 300 + "/",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_of_the_open_internet(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_open_internet(address):
    assert is_public(address)


@pytest.mark.parametrize("url", URLS)
def test_names_that_lead_inside_are_refused(url):
    with pytest.raises(InputError) as refused:
        Fetcher(False, 1000).check(url)
    assert refused.value.code in ("url-forbidden", "url-unreachable")


@pytest.mark.parametrize("url", INVALID)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(InputError) as refused:
        Fetcher(False, 1000).check(url)
    assert refused.value.code in ("url-invalid", "url-unreachable", "url-forbidden")


@pytest.mark.parametrize("port", [0, 22, 25, 6379, 5432])
def test_ports_of_other_services_are_refused(port):
    with pytest.raises(InputError) as refused:
        Fetcher(True, 1000).check(f"http://127.0.0.1:{port}/")
    assert refused.value.code == "url-forbidden"


class Site(http.server.BaseHTTPRequestHandler):
    """A site that answers in ways a picture's host might."""

    def do_GET(self):
        kind, _, rest = self.path.lstrip("/").partition("?")
        if kind == "hop":
            self.send_response(302)
            self.send_header("Location", rest)
            self.end_headers()
        elif kind == "unchanged":
            self.send_response(304)
            self.end_headers()
        elif kind == "missing":
            self.send_error(404)
        elif kind == "large":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x" * 1000)
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"host {self.headers['Host']}".encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def fetched(url, allow_private=True, most=50_000, whole_s=5.0):
    with Fetcher(allow_private, most, whole_s).get(url) as pieces:
        return b"".join(pieces)


def test_a_file_is_fetched_under_the_hosts_own_name(site):
    assert fetched(f"{site}/x.png") == f"host {site.removeprefix('http://')}".encode()


def test_redirects_are_followed_a_few_times(site):
    assert fetched(f"{site}/hop?/hop?/x.png").startswith(b"host")
    loop = f"{site}/hop?/hop?" + "/hop?" * 8 + "/x"
    with pytest.raises(InputError) as refused:
        fetched(loop)
    assert refused.value.code == "url-redirects"


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://127.0.0.1:22/", "ftp://localhost/x", "http://[::1/", "http://["]
)
def test_a_redirect_goes_through_the_same_door(site, target):
    with pytest.raises(InputError) as refused:
        fetched(f"{site}/hop?{target}")
    assert refused.value.code in ("url-invalid", "url-forbidden", "url-unreachable")


def test_a_redirect_into_a_private_network_is_refused(site, monkeypatch):
    import unflat.apps.server.fetch as fetch

    seen = []

    def public_once(address):
        seen.append(address)
        return len(seen) == 1

    monkeypatch.setattr(fetch, "is_public", public_once)  # as if the first host were a public one
    with pytest.raises(InputError) as refused:
        fetched(f"{site.replace('localhost', '127.0.0.1')}/hop?http://127.0.0.1/secret", allow_private=False)
    assert refused.value.code == "url-forbidden" and len(seen) == 2


def test_a_redirect_to_nowhere_is_a_status_like_others(site):
    with pytest.raises(InputError) as refused:
        fetched(f"{site}/unchanged")
    assert refused.value.code == "url-status"


def test_bounds_hold(site):
    with pytest.raises(InputError) as large:
        fetched(f"{site}/large")
    with pytest.raises(InputError) as missing:
        fetched(f"{site}/missing")
    with pytest.raises(InputError) as closed:
        fetched("http://127.0.0.1:1/")
    codes = [error.value.code for error in (large, missing, closed)]
    assert codes == [
        "url-too-large",
        "url-status",
        "url-unreachable",
    ]
