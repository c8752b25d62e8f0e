"""An agent over streamable HTTP, and who is let in."""

import socket
import subprocess
import time

import anyio
import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

TOKEN = "a-token-that-is-long-enough"


@pytest.fixture
def address(command, environment, tmp_path):
    """A running server with a token; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--http", f"127.0.0.1:{port}"], env={**environment, "UNFLAT_MCP_TOKEN": TOKEN}, stderr=log
        )
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        for _ in range(600):
            try:
                httpx.get(url, trust_env=False)
                break
            except httpx.TransportError:
                assert server.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        assert server.wait(20) == 0
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_a_conversation_over_http(address, tmp_path, pear):
    Image.fromarray(pear()).save(tmp_path / "pear.png")

    async def conversation():
        # The SDK brings its own HTTP client; only its headers are ours.
        from mcp.shared._httpx_utils import create_mcp_http_client

        http = create_mcp_http_client(headers={"Authorization": f"Bearer {TOKEN}"})
        async with http, Client(streamable_http_client(address, http_client=http)) as client:
            heard = []

            async def hear(progress, total, message):
                heard.append(progress)

            wishes = {"pictures": ["pear.png"], "quality": "draft", "texture_px": 512, "height": "12cm"}
            made = await client.call_tool("image_to_3d", {**wishes, "wait_seconds": 120}, progress_callback=hear)
            model = made.structured_content["models"][0]
            assert model["true_to_scale"] and "True to scale" in model["truth"]
            assert heard
            assert (await client.read_resource(model["files"][0]["uri"])).contents[0].blob

    anyio.run(conversation)


def test_without_the_token_nobody_is_let_in(address):
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = httpx.post(address, json={}, headers=headers, trust_env=False)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthorized"


def test_pages_of_other_names_are_refused(address):
    """A name that resolves to this machine (DNS rebinding) does not get in, even with the token."""
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Host": "evil.example",
        "Accept": "application/json, text/event-stream",
    }
    assert httpx.post(address, json={}, headers=headers, trust_env=False).status_code in (403, 421)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--http", "0.0.0.0:8765"), "token-missing"), (("--http", "nonsense"), "bad-option"),
     (("--root", "no-such-folder"), "file-not-found")],
)  # fmt: skip
def test_what_can_not_be_served_is_refused_at_once(unflat, monkeypatch, arguments, code):
    monkeypatch.delenv("UNFLAT_MCP_TOKEN", raising=False)
    status, _, said = unflat("mcp", *arguments, "--data", "data")
    assert status in (2, 3, 4)
    assert code in said
