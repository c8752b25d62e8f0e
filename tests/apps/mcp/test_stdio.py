"""An agent over stdio, by the SDK's own client: one conversation, from a photo to a smaller model."""

import base64
import io
import json

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from PIL import Image

from unflat.io.load import load_asset

DRAFT = {"quality": "draft", "texture_px": 512}


@pytest.fixture
def talk(command, environment, tmp_path):
    """Run an async function with a connected client."""

    def run(conversation):
        async def connected():
            server = StdioServerParameters(command=command[0], args=command[1:], env=environment, cwd=tmp_path)
            with (tmp_path / "server.log").open("w") as log:
                async with Client(stdio_client(server, errlog=log)) as client:
                    await conversation(client)

        anyio.run(connected)
        assert "Traceback" not in (tmp_path / "server.log").read_text()

    return run


def test_tools_explain_themselves(talk):
    async def conversation(client):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"image_to_3d", "check_model", "repair_model", "convert_model", "remesh_model", "resize_texture",
                "preview_model", "job_status", "cancel_job", "list_jobs", "list_choices"} == set(tools)  # fmt: skip
        for tool in tools.values():
            assert len(tool.description) > 40 and tool.title and tool.output_schema
            assert "context" not in tool.input_schema["properties"]
        told = tools["image_to_3d"].input_schema["properties"]
        assert all("description" in told[name] for name in ("source", "target", "height", "formats", "wait_seconds"))
        assert tools["check_model"].annotations.read_only_hint
        targets = await client.call_tool("list_choices", {"what": "targets"})
        assert {"game", "ar", "print", "web"} == {one["name"] for one in targets.structured_content["choices"]}
        for what in ("recipes", "backends", "formats"):
            choices = (await client.call_tool("list_choices", {"what": what})).structured_content["choices"]
            assert all(one["name"] and one["summary"] for one in choices)
        assert (await client.call_tool("list_jobs", {})).structured_content == {"jobs": []}

    talk(conversation)


def test_from_a_photo_to_a_smaller_model(talk, photo, tmp_path):
    async def conversation(client):
        heard = []

        async def hear(progress, total, message):
            heard.append((progress, total, message))

        wishes = {
            "pictures": ["pear.png"],
            "formats": ["glb", "usdz"],
            "save_to": "models",
            "wait_seconds": 120,
            **DRAFT,
        }
        made = await client.call_tool("image_to_3d", wishes, progress_callback=hear)
        assert not made.is_error, made.content
        told = made.structured_content
        model = told["models"][0]
        assert told["state"] == "succeeded" and model["watertight"]
        assert not model["true_to_scale"] and "Real size unknown" in model["truth"] and "inferred" in model["truth"]
        assert [one.type for one in made.content].count("image") == 1
        picture = next(one for one in made.content if one.type == "image")
        with Image.open(io.BytesIO(base64.b64decode(picture.data))) as shown:
            assert max(shown.size) <= 512
        assert load_asset(tmp_path / "models" / "pear.glb").parts
        assert (tmp_path / "models" / "pear.usdz").exists()
        fractions = [progress for progress, _, _ in heard]
        assert (
            fractions == sorted(set(fractions)) and fractions[-1] == 1.0 and {total for _, total, _ in heard} == {1.0}
        )

        uri = model["files"][0]["uri"]
        content = (await client.read_resource(uri)).contents[0]
        assert base64.b64decode(content.blob)[:4] == b"glTF"
        about = (await client.read_resource(uri.rpartition("/")[0])).contents[0]
        assert json.loads(about.text)["state"] == "succeeded"

        seen = await client.call_tool("preview_model", {"model": uri})
        assert seen.structured_content["job_id"] == told["job_id"], "it has been painted already"
        assert any(one.type == "image" for one in seen.content)
        small = await client.call_tool("remesh_model", {"model": uri, "faces": 300, "wait_seconds": 120})
        assert small.structured_content["models"][0]["faces"] <= 300
        judged = await client.call_tool(
            "check_model", {"model": "models/pear.glb", "target": "print", "wait_seconds": 120}
        )
        assert judged.structured_content["models"][0]["passed"] is False, "its size is unknown"
        assert not judged.is_error, "a model that is refused is a finding, not a failure"
        jobs = (await client.call_tool("list_jobs", {"limit": 2})).structured_content["jobs"]
        assert [job["kind"] for job in jobs] == ["check", "rework"]

    talk(conversation)


def test_long_work_is_left_and_asked_for_again_and_can_be_stopped(talk, photo):
    async def conversation(client):
        begun = await client.call_tool("image_to_3d", {"pictures": ["pear.png"], "wait_seconds": 0})
        told = begun.structured_content
        assert told["state"] == "queued" and told["job_id"] in told["next_step"]
        stopped = await client.call_tool("cancel_job", {"job_id": told["job_id"]})
        assert stopped.structured_content["state"] == "cancelled"
        again = await client.call_tool("job_status", {"job_id": told["job_id"], "wait_seconds": 0})
        assert again.structured_content["error"]["code"] == "cancelled"

    talk(conversation)


def test_what_goes_wrong_is_told_with_code_and_hint(talk, photo, tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    wrong = [
        ("image_to_3d", {"pictures": ["/etc/passwd"]}, "path-not-allowed"),
        ("image_to_3d", {"pictures": ["pear.jpg"]}, "file-not-found"),
        ("image_to_3d", {"pictures": ["notes.png"]}, "not-a-picture"),
        ("image_to_3d", {"pictures": ["http://127.0.0.1:1/a.png"]}, "url-forbidden"),
        ("image_to_3d", {"pictures": ["http://169.254.169.254/latest"]}, "url-forbidden"),
        ("image_to_3d", {"pictures": ["data:image/png;base64,!!"]}, "bad-data-url"),
        ("image_to_3d", {"pictures": []}, "invalid-request"),
        ("image_to_3d", {"pictures": ["pear.png"], "quality": "superb"}, "invalid-request"),
        ("image_to_3d", {"pictures": ["pear.png"], "save_to": "/etc"}, "path-not-allowed"),
        ("check_model", {"model": "pear.png"}, "wrong-kind-of-file"),
        ("remesh_model", {"model": "unflat://jobs/nothing/a.glb", "faces": 100}, "not-found"),
        ("job_status", {"job_id": "../../etc"}, "not-found"),
        ("no_such_tool", {}, "invalid-request"),
    ]

    async def conversation(client):
        for tool, arguments, code in wrong:
            answer = await client.call_tool(tool, arguments)
            assert answer.is_error
            error = answer.structured_content["error"]
            assert error["code"] == code, (tool, arguments, error)
            assert error["message"] and error["hint"]
            assert "Traceback" not in answer.content[0].text
        for uri in ("unflat://jobs/nothing", "unflat://jobs/nothing/a.glb", "unflat://jobs/..%2f..%2fetc/passwd"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    talk(conversation)


def test_a_failed_job_is_an_error_with_its_reason(talk, tmp_path):
    Image.new("RGBA", (64, 64)).save(tmp_path / "nothing.png")

    async def conversation(client):
        answer = await client.call_tool("image_to_3d", {"pictures": ["nothing.png"], "wait_seconds": 120})
        assert answer.is_error
        assert answer.structured_content["error"]["code"], answer
        assert answer.structured_content["error"]["hint"]

    talk(conversation)
