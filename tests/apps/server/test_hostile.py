"""Hundreds of hostile uploads and requests: each is refused with its code, none is a failure of ours."""

import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.server.app import create_app
from unflat.apps.server.settings import ServerSettings

UNKNOWN = "018f0000-0000-7000-8000-000000000000"
DEEP = 100_000


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    settings = ServerSettings(
        JobsConfig(tmp_path_factory.mktemp("hostile"), max_upload_bytes=2**20, max_pixels=10**6),
        rate_per_s=0,
        max_request_bytes=4 * 2**20,
    )
    with TestClient(create_app(settings, work=False), raise_server_exceptions=False) as client:
        good = client.post("/v1/files", files={"file": ("good.png", picture("png"))}).json()["id"]
        model = client.post("/v1/files", files={"file": ("good.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")})
        client.good, client.model = good, model.json()["id"]
        yield client


def picture(format, size=(64, 48)):
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(stream, format)
    return stream.getvalue()


def png_that_says(width, height, depth=8, color=2, body=b""):
    """A PNG whose header claims a size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def bmp_that_says(width, height):
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def gif_that_says(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00;"


def webp_that_says(width, height):
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x10\0\0\0" + struct.pack("<I", width - 1)[:3]
    body += struct.pack("<I", height - 1)[:3]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff_that_says(width, height):
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + fields + b"\0\0\0\0"


def zipped(*names, content=b"x"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return stream.getvalue()


def svg(inner="", head=""):
    body = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{inner}</svg>'
    return f'<?xml version="1.0"?>{head}{body}'.encode()


BOMB = "<!DOCTYPE s [" + '<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12)) + "]>"  # fmt: skip

UPLOADS = {
    "nothing": b"",
    "one byte": b"\0",
    "zeros": b"\0" * 5000,
    "ones": b"\xff" * 5000,
    "text": b"hello, I am a picture",
    "web page": b"<html><script>alert(1)</script></html>",
    "web page in a png": b"<!doctype html><img src=x onerror=alert(1)>",
    "script": b"#!/bin/sh\nrm -rf /\n",
    "program": b"\x7fELF" + b"\0" * 500,
    "windows program": b"MZ" + b"\0" * 500,
    "pdf": b"%PDF-1.7\n1 0 obj",
    "postscript": b"%!PS-Adobe\n(%pipe%id) (w) file",
    "photoshop": b"8BPS\0\1" + b"\0" * 100,
    "exr": b"\x76\x2f\x31\x01" + b"\0" * 100,
    "icon": b"\0\0\1\0\1\0" + b"\0" * 100,
    "jpeg xl": b"\xff\x0a" + b"\0" * 100,
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 50,
    "numpy with pickle": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "pickle": b"cos\nsystem\n(S'id'\ntR.",
    "portable map": b"P6 9999 9999 255\n",
    "fits": b"SIMPLE  =                    T",
    "dicom": b"\0" * 128 + b"DICM",
    "wide png": png_that_says(2**31 - 1, 2**31 - 1),
    "tall png": png_that_says(1, 100_000),
    "flat png": png_that_says(100_000, 9),
    "empty png": png_that_says(0, 0),
    "small png": png_that_says(2, 2),
    "large png": png_that_says(40_000, 40_000),
    "deep png": png_that_says(30_000, 30_000, depth=16),
    "odd png": png_that_says(64, 64, depth=3, color=9),
    "png magic": b"\x89PNG\r\n\x1a\n",
    "png cut": picture("png")[:20],
    "jpeg magic": b"\xff\xd8\xff",
    "jpeg cut": picture("jpeg")[:40],
    "jpeg of zeros": b"\xff\xd8\xff\xe0" + b"\0" * 1000,
    "bmp large": bmp_that_says(60_000, 60_000),
    "bmp negative": bmp_that_says(-5, -5),
    "bmp most": bmp_that_says(2**31 - 1, 2**31 - 1),
    "bmp cut": picture("bmp")[:20],
    "gif large": gif_that_says(65535, 65535),
    "gif nothing": gif_that_says(0, 0),
    "gif magic": b"GIF89a",
    "webp large": webp_that_says(16_777_216, 16_777_216),
    "webp cut": picture("webp")[:30],
    "webp magic": b"RIFF\x10\0\0\0WEBP",
    "riff": b"RIFF\xff\xff\xff\xffXXXX",
    "tiff large": tiff_that_says(2**31, 2**31),
    "tiff nothing": tiff_that_says(0, 0),
    "tiff loop": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "tiff magic": b"MM\0*",
    "tiff far": b"II*\0\xff\xff\xff\xff",
    "heic magic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "avif magic": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    "camera raw": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "gzip bomb": b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"\xff" * 200,
    "gzip": zlib.compress(b"x", wbits=31),
    "svg bomb": svg("&l;", BOMB),
    "svg file": svg('<image href="file:///etc/passwd"/>', '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "svg cut": b'<svg xmlns="http://www.w3.org/2000/svg" width="9"',
    "svg wrong": b"<svg",
    "xml": b'<?xml version="1.0"?>' + b"<a>" * 10,
    "zip of pictures": zipped("a.png", content=picture("png")),
    "zip slip": zipped("../../etc/cron.d/x"),
    "zip absolute": zipped("/etc/passwd"),
    "zip bomb": zipped("a.png", content=b"\0" * 10**6),
    "zip nothing": zipped(),
    "zip cut": zipped("a.png")[:40],
    "zip magic": b"PK\3\4",
    "jar": zipped("META-INF/MANIFEST.MF"),
    "docx": zipped("word/document.xml"),
    "rar": b"Rar!\x1a\x07\0",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "tar": b"a.png" + b"\0" * 252 + b"ustar\0" + b"\0" * 250,
    "sqlite": b"SQLite format 3\0",
    "sound": b"ID3\x04" + b"\0" * 100,
    "midi": b"MThd\0\0\0\6",
    "font": b"\0\1\0\0\0\x0c\0\x80",
    "certificate": b"-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "too many bytes": b"\x89PNG\r\n\x1a\n" + b"\0" * (2**20 + 1),
    "far too many bytes": b"\xff\xd8\xff" + b"\0" * (3 * 2**20),
    "deep json": b"[" * DEEP,
    "cut json": b'{"frames": [',
    "json with nul": b'{"a": "\0"}',
    "python": b"import os; os.system('id')",
    "php": b"<?php system($_GET['c']); ?>",
    "usd that reaches out": b"#usda 1.0\ndef X (references = @/etc/passwd@) {}",
    "usd crate": b"PXR-USDC" + b"\0" * 100,
    "polyglot": b"GIF89a/*" + b"<script>" * 50,
}
UPLOAD_CODES = {
    "empty-file", "not-a-picture", "unsupported-format", "too-many-pixels", "too-many-bytes", "too-narrow", "too-small",
    "damaged", "truncated", "nothing-in-picture", "svg-external",
}  # fmt: skip
NAMES = ["x.png", "../../x.php", "x.png\0.sh"]

GOOD = {"pictures": [{"file": "GOOD"}]}
ORDERS = {
    "null": None,
    "list": [],
    "text": "make me a model",
    "number": 7,
    "nothing": {},
    "no pictures": {"pictures": []},
    "pictures null": {"pictures": None},
    "pictures text": {"pictures": "GOOD"},
    "picture text": {"pictures": ["GOOD"]},
    "picture nothing": {"pictures": [{}]},
    "picture number": {"pictures": [{"file": 7}]},
    "picture twice": {"pictures": [{"file": "GOOD", "url": "https://x.example/"}]},
    "unknown file": {"pictures": [{"file": UNKNOWN}]},
    "path": {"pictures": [{"file": "/etc/passwd"}]},
    "path up": {"pictures": [{"file": "../../../etc/passwd"}]},
    "inside name": {"pictures": [{"file": f"result:{UNKNOWN}:1:x.glb"}]},
    "sql": {"pictures": [{"file": "' OR 1=1 --"}]},
    "nul": {"pictures": [{"file": "a\0b"}]},
    "long id": {"pictures": [{"file": "a" * 10**5}]},
    "unknown result": {"pictures": [{"result": f"{UNKNOWN}/x.png"}]},
    "result up": {"pictures": [{"result": "../../x"}]},
    "too many pictures": {"pictures": [{"file": "GOOD"}] * 1001},
    "model for make": GOOD | {"model": {"file": "GOOD"}},
    "rework without": {"kind": "rework"},
    "rework of a picture": {"kind": "rework", "model": {"file": "GOOD"}},
    "make of a model": {"pictures": [{"file": "MODEL"}]},
    "mask of a model": GOOD | {"mask": {"file": "MODEL"}},
    "cameras of a picture": GOOD | {"cameras": {"file": "GOOD"}},
    "check with pictures": GOOD | {"kind": "check", "model": {"file": "MODEL"}},
    "quick inside": {"kind": "quick-mask", "picture": {"file": "GOOD"}},
    "kind": GOOD | {"kind": "destroy"},
    "unknown field": GOOD | {"run_folder": "/"},
    "store": GOOD | {"store": False},
    "entry": GOOD | {"entry": ["surface", "/etc/passwd"]},
    "depth": GOOD | {"depth": "/etc/passwd"},
    "proto": GOOD | {"__proto__": {}},
    "source": GOOD | {"source": "views"},
    "target": GOOD | {"target": "moon"},
    "quality": GOOD | {"quality": "ultra"},
    "recipe": GOOD | {"recipe": "nope"},
    "recipe path": GOOD | {"recipe": "../../etc/passwd"},
    "recipe file": GOOD | {"recipe": "/tmp/x.toml"},
    "recipe long": GOOD | {"recipe": "a" * 999},
    "settings list": GOOD | {"settings": []},
    "settings key": GOOD | {"settings": {"x": 1}},
    "settings deep": GOOD | {"settings": {"a.b": {"c": 1}}},
    "settings weights": GOOD | {"settings": {"segment.weights": "/etc"}},
    "settings model": GOOD | {"settings": {"segment.model_path": "/etc"}},
    "settings many": GOOD | {"settings": {f"a.b{n}": 1 for n in range(61)}},
    "settings long": GOOD | {"settings": {"a.b": "x" * 201}},
    "settings big": GOOD | {"settings": {"a.b": [1]}},
    "height number": GOOD | {"height": 12},
    "height long": GOOD | {"height": "1" * 99},
    "seed minus": GOOD | {"seed": -1},
    "seed big": GOOD | {"seed": 2**31},
    "seed text": GOOD | {"seed": "x"},
    "seed float": GOOD | {"seed": 0.5},
    "box short": GOOD | {"box": [1, 2, 3]},
    "box long": GOOD | {"box": [1, 2, 3, 4, 5]},
    "box turned": GOOD | {"box": [9, 9, 1, 1]},
    "box minus": GOOD | {"box": [-9, 0, 1, 1]},
    "box huge": GOOD | {"box": [0, 0, 1e300, 1e300]},
    "box text": GOOD | {"box": "1,2,3,4"},
    "clicks flat": GOOD | {"clicks": [1, 2, 1]},
    "clicks label": GOOD | {"clicks": [[1, 2, 3]]},
    "clicks many": GOOD | {"clicks": [[1, 2, 1]] * 101},
    "levels": GOOD | {"levels": 6},
    "levels minus": GOOD | {"levels": -1},
    "formats": GOOD | {"formats": ["exe"]},
    "formats text": GOOD | {"formats": "glb"},
    "formats many": GOOD | {"formats": ["glb"] * 7},
    "image format": GOOD | {"image_format": "tiff"},
    "turntable": GOOD | {"turntable": "gif"},
    "faces": GOOD | {"faces": 0},
    "faces many": GOOD | {"faces": 10**9},
    "texture": GOOD | {"texture_px": 10**6},
    "texture small": GOOD | {"texture_px": 1},
    "priority": GOOD | {"priority": 101},
    "hook scheme": GOOD | {"webhook": {"url": "file:///etc/passwd", "secret": "0123456789abcdef"}},
    "hook inside": GOOD | {"webhook": {"url": "http://127.0.0.1/", "secret": "0123456789abcdef"}},
    "hook cloud": GOOD | {"webhook": {"url": "http://169.254.169.254/", "secret": "0123456789abcdef"}},
    "hook short": GOOD | {"webhook": {"url": "https://1.1.1.1/", "secret": "x"}},
    "hook none": GOOD | {"webhook": {}},
    "labels": GOOD | {"labels": {"a": 1}},
    "labels many": GOOD | {"labels": {str(n): "x" for n in range(21)}},
    "labels long": GOOD | {"labels": {"a": "x" * 201}},
    "url scheme": {"pictures": [{"url": "file:///etc/passwd"}]},
    "url inside": {"pictures": [{"url": "http://127.0.0.1:8000/"}]},
    "url cloud": {"pictures": [{"url": "http://169.254.169.254/latest/meta-data/"}]},
    "url name": {"pictures": [{"url": "http://localhost/"}]},
    "url number": {"pictures": [{"url": "http://2130706433/"}]},
    "url six": {"pictures": [{"url": "http://[::ffff:127.0.0.1]/"}]},
    "url user": {"pictures": [{"url": "http://a:b@1.1.1.1/"}]},
    "url port": {"pictures": [{"url": "http://1.1.1.1:22/"}]},
    "url long": {"pictures": [{"url": "http://1.1.1.1/" + "a" * 5000}]},
    "url none": {"pictures": [{"url": ""}]},
    "data none": {"pictures": [{"data": ""}]},
    "data plain": {"pictures": [{"data": "data:text/plain,hello"}]},
    "data html": {"pictures": [{"data": "data:text/html;base64,PGh0bWw+"}]},
    "data broken": {"pictures": [{"data": "data:image/png;base64,@@@"}]},
    "data zip": {"pictures": [{"data": "data:image/png;base64,UEsDBA=="}]},
    "data large": {"pictures": [{"data": "data:image/png;base64," + "A" * (2 * 2**20)}]},
}
RAW = {
    "no json": b"{",
    "empty": b"",
    "nul": b"\0",
    "latin": b'{"pictures": "\xe9"}',
    "deep": b"[" * DEEP,
    "deep object": b'{"a":' * DEEP,
    "nan": b'{"seed": NaN}',
    "infinity": b'{"pictures": [{"file": "x"}], "box": [0, 0, Infinity, 1]}',
    "number": b'{"seed": ' + b"9" * 5000 + b"}",
    "too large": b'{"x": "' + b"a" * (4 * 2**20) + b'"}',
}
FORM = {"content-type": "multipart/form-data"}
REQUESTS = {
    "unknown path": ("GET", "/v1/nothing", {}, 404),
    "path up": ("GET", "/v1/../../etc/passwd", {}, 404),
    "path up coded": ("GET", "/%2e%2e/%2e%2e/etc/passwd", {}, 404),
    "path nul": ("GET", "/v1/jobs/a%00b", {}, 404),
    "method": ("PATCH", "/v1/jobs", {}, 405),
    "trace": ("TRACE", "/v1/jobs", {}, 405),
    "unknown job": ("GET", f"/v1/jobs/{UNKNOWN}", {}, 404),
    "job sql": ("GET", "/v1/jobs/'%20OR%201=1", {}, 404),
    "job upper": ("GET", f"/v1/jobs/{UNKNOWN.upper()}", {}, 404),
    "cancel unknown": ("POST", f"/v1/jobs/{UNKNOWN}/cancel", {}, 404),
    "retry unknown": ("POST", f"/v1/jobs/{UNKNOWN}/retry", {}, 404),
    "delete unknown": ("DELETE", f"/v1/jobs/{UNKNOWN}", {}, 404),
    "events unknown": ("GET", f"/v1/jobs/{UNKNOWN}/events", {}, 404),
    "file of unknown": ("GET", f"/v1/jobs/{UNKNOWN}/files/x.glb", {}, 404),
    "file up": ("GET", f"/v1/jobs/{UNKNOWN}/files/..%2f..%2fetc%2fpasswd", {}, 404),
    "forged link": ("GET", f"/v1/jobs/{UNKNOWN}/files/x.glb?until=9999999999&signature=00", {}, 404),
    "unknown upload": ("GET", f"/v1/files/{UNKNOWN}", {}, 404),
    "unknown content": ("GET", f"/v1/files/{UNKNOWN}/content", {}, 404),
    "delete upload": ("DELETE", "/v1/files/x", {}, 404),
    "limit": ("GET", "/v1/jobs?limit=100000", {}, 422),
    "limit minus": ("GET", "/v1/jobs?limit=-1", {}, 422),
    "limit text": ("GET", "/v1/jobs?limit=x", {}, 422),
    "state": ("GET", "/v1/jobs?state=lost", {}, 422),
    "after": ("GET", "/v1/jobs?after=" + "x" * 99, {}, 422),
    "upload as json": ("POST", "/v1/files", {"json": {"file": "x"}}, 422),
    "upload as text field": ("POST", "/v1/files", {"data": {"file": "x"}}, 422),
    "upload without": ("POST", "/v1/files", {}, 422),
    "form without boundary": ("POST", "/v1/files", {"content": b"x", "headers": FORM}, 400),
    "order form without order": ("POST", "/v1/jobs", {"files": {"pictures": ("x.png", b"x")}}, 422),
    "order form broken": ("POST", "/v1/jobs", {"data": {"order": "{"}, "files": {"pictures": ("x.png", b"x")}}, 422),
    "order form foreign": ("POST", "/v1/jobs", {"data": {"order": "{}"}, "files": {"shell": ("x.sh", b"x")}}, 422),
    "key with spaces": ("POST", "/v1/jobs", {"json": {}, "headers": {"Idempotency-Key": "a b"}}, 422),
    "key long": ("POST", "/v1/jobs", {"json": {}, "headers": {"Idempotency-Key": "a" * 201}}, 422),
    "host": ("GET", "/v1/jobs", {"headers": {"host": "evil.example"}}, 400),
    "host odd": ("GET", "/v1/jobs", {"headers": {"host": "[::1"}}, 400),
    "origin": ("POST", "/v1/jobs", {"json": {}, "headers": {"origin": "https://evil.example"}}, 403),
    "origin null": ("POST", "/v1/files", {"headers": {"origin": "null"}}, 403),
    "length": ("POST", "/v1/jobs", {"content": b"x", "headers": {"content-length": "99999999999"}}, 413),
    "mask nothing": ("POST", "/v1/masks", {"json": {}}, 422),
    "mask unknown": ("POST", "/v1/masks", {"json": {"picture": {"file": UNKNOWN}}}, 404),
    "mask extra": ("POST", "/v1/masks", {"json": {"picture": {"file": UNKNOWN}, "x": 1}}, 422),
    "check nothing": ("POST", "/v1/checks", {}, 422),
    "check text": ("POST", "/v1/checks", {"files": {"model": ("x.glb", b"hello")}}, 422),
    "check target": ("POST", "/v1/checks", {"files": {"model": ("x.glb", b"glTF")}, "data": {"target": "moon"}}, 422),
    "check picture": ("POST", "/v1/checks", {"files": {"model": ("x.png", picture("png"))}}, 422),
    "tripo text": ("POST", "/v3/generation/text-to-model", {"json": {"prompt": "x"}}, 400),
    "tripo list": ("POST", "/v3/generation/image-to-model", {"json": []}, 400),
    "tripo inside": ("POST", "/v3/generation/image-to-model", {"json": {"input": "http://10.0.0.1/"}}, 400),
    "tripo put": ("PUT", f"/v3/files/put/-/{UNKNOWN}/x.png?until=1&signature=x", {"content": b"x"}, 401),
    "tripo unknown": ("GET", f"/v3/tasks/{UNKNOWN}", {}, 404),
    "tripo path": ("GET", "/v3/%2e%2e/etc/passwd", {}, 400),
    "meshy text": ("POST", "/openapi/v2/text-to-3d", {"json": {"prompt": "x"}}, 400),
    "meshy list": ("POST", "/openapi/v1/image-to-3d", {"json": [1]}, 400),
    "meshy inside": ("POST", "/openapi/v1/image-to-3d", {"json": {"image_url": "http://127.0.0.1/"}}, 400),
    "meshy file": ("POST", "/openapi/v1/image-to-3d", {"json": {"image_url": "file:///etc/passwd"}}, 400),
    "meshy unknown": ("GET", f"/openapi/v1/image-to-3d/{UNKNOWN}", {}, 404),
    "meshy page": ("GET", "/openapi/v1/image-to-3d?page_num=x", {}, 400),
}  # fmt: skip


def refused(answer, least=400, most=499):
    """A refusal in our form: code, message and hint, and nothing of our inside."""
    assert least <= answer.status_code <= most, answer.text
    assert "Traceback" not in answer.text and "site-packages" not in answer.text
    error = answer.json()["error"]
    assert error["code"] and error["message"] and error["hint"]
    assert error["code"] not in ("internal", "error")
    return error["code"]


@pytest.mark.parametrize("what", UPLOADS)
def test_a_hostile_upload_is_refused(hostile, what):
    for name in NAMES if what in ("text", "web page", "wide png") else NAMES[:1]:
        code = refused(hostile.post("/v1/files", files={"file": (name, UPLOADS[what])}))
        assert code in UPLOAD_CODES, code


@pytest.mark.parametrize("line", ["mtllib ../../etc/passwd", "mtllib /etc/passwd", "mtllib a\\b.mtl", " mtllib x/.."])
def test_a_model_that_names_files_of_the_machine_is_refused(hostile, line):
    body = f"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n{line}\n".encode()
    assert refused(hostile.post("/v1/files", files={"file": ("x.obj", body)})) == "unsupported-format"


@pytest.mark.parametrize("what", ORDERS)
def test_a_hostile_order_is_refused(hostile, what):
    text = json.dumps(ORDERS[what]).replace('"GOOD"', f'"{hostile.good}"').replace('"MODEL"', f'"{hostile.model}"')
    refused(hostile.post("/v1/jobs", content=text, headers={"content-type": "application/json"}))


@pytest.mark.parametrize("what", RAW)
def test_a_body_that_is_no_order_is_refused(hostile, what):
    refused(hostile.post("/v1/jobs", content=RAW[what], headers={"content-type": "application/json"}))


@pytest.mark.parametrize("what", REQUESTS)
def test_a_hostile_request_is_refused(hostile, what):
    method, path, more, status = REQUESTS[what]
    answer = hostile.request(method, path, **more)
    assert answer.status_code == status, answer.text
    if path.startswith(("/v3", "/openapi")):
        assert answer.json()["message"] and "Traceback" not in answer.text
    else:
        refused(answer)


def test_there_are_at_least_two_hundred_and_none_left_a_job(hostile):
    assert len(UPLOADS) + len(ORDERS) + len(RAW) + len(REQUESTS) >= 200
    assert hostile.get("/v1/jobs").json()["jobs"] == []
    assert hostile.get("/health").status_code == 200
