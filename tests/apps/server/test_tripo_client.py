"""Tripo's own client, as it comes from the package index, against our server: only address and key are set."""

import asyncio

import pytest
from tripo3d import TripoClient
from tripo3d.exceptions import TripoAPIError
from tripo3d.models import TaskStatus

import unflat

FAST = "Turbo-v1.0-20250506"


def talk(served, work):
    """Run something with a client."""

    async def session():
        async with TripoClient(api_key="tsk_anything", v3_base_url=served.url) as client:
            return await work(client)

    return asyncio.run(session())


@pytest.fixture(scope="module")
def made(served, tmp_path_factory, pear_png):
    """A task of theirs that made a model: its id, and the model's path."""
    folder = tmp_path_factory.mktemp("tripo")
    path = folder / "pear.png"
    path.write_bytes(pear_png)

    async def work(client):
        id = await client.image_to_model(str(path), model_version=FAST, face_limit=2000, model_seed=3)
        task = await client.wait_for_task(id, polling_interval=0.2, timeout=150)
        assert task.status == TaskStatus.SUCCESS, task.raw
        assert task.progress == 100 and task.type == "image_to_model" and task.input["face_limit"] == 2000
        return id, path, await client.download_task_models(task, str(folder))

    return talk(served, work)


def test_a_picture_becomes_a_model(made):
    _, _, files = made
    asset = unflat.load(files["model"])
    assert unflat.check(asset).watertight and len(asset.parts[0].mesh.faces) <= 2400
    assert files["pbr_model"] == files["model"] and files["rendered_image"].endswith(".png")


def test_a_model_is_converted_and_decimated(served, made, tmp_path):
    async def work(client):
        ids = [
            await client.convert_model(made[0], "STL", face_limit=600),
            await client.convert_model(made[0], "GLTF", quad=True, face_limit=400),
            await client.smart_lowpoly(made[0], face_limit=500),
        ]
        for id in ids:
            task = await client.wait_for_task(id, polling_interval=0.2, timeout=150)
            assert task.status == TaskStatus.SUCCESS, task.raw
            (tmp_path / id).mkdir()
            files = await client.download_task_models(task, str(tmp_path / id))
            assert len(unflat.load(files["model"]).parts[0].mesh.faces) < 1800
        found = await client.list_tasks([*ids, "018f0000-0000-7000-8000-000000000000"])
        assert set(found.tasks) == set(ids) and len(found.missed) == 1
        assert ids[0] in [item.task_id for item in await client.get_usage()]

    talk(served, work)


def test_large_files_go_by_a_signed_link(served, made, monkeypatch):
    monkeypatch.setattr(TripoClient, "MULTIPART_MAX_BYTES", 100)

    async def work(client):
        token = (await client.upload_file(made[1]))["file_token"]
        small = await client.image_to_model(token, model_version=FAST)
        model = await client.import_model(made[2]["model"])
        for id in (small, model):
            assert (await client.wait_for_task(id, polling_interval=0.2, timeout=150)).status == TaskStatus.SUCCESS

    talk(served, work)


def test_several_views_are_one_task(served, made, sides, tmp_path):
    async def work(client):
        four = await client.multiview_to_model([str(made[1]), *map(str, sides)], model_version=FAST)
        one = await client.multiview_to_model([str(made[1]), None, None, None], model_version=FAST)
        for id in (four, one):
            task = await client.wait_for_task(id, polling_interval=0.2, timeout=150)
            assert task.status == TaskStatus.SUCCESS, task.error_msg
            (tmp_path / id).mkdir()
            files = await client.download_task_models(task, str(tmp_path / id))
            assert unflat.check(unflat.load(files["model"])).watertight

    talk(served, work)


def test_there_is_always_credit(served):
    assert talk(served, lambda client: client.get_balance()).balance > 0


def test_what_can_not_be_done_is_answered_as_theirs_does(served, made, tmp_path):
    text = tmp_path / "note.png"
    text.write_text("no picture")

    async def work(client):
        codes = []
        for ask in (
            lambda: client.text_to_model("a cat"),
            lambda: client.image_to_splat(made[1]),
            lambda: client.texture_model(made[0]),
            lambda: client.rig_model(made[0]),
            lambda: client.convert_model(made[0], "FBX"),
            lambda: client.image_to_model(str(made[1]), quad=True),
            lambda: client.image_to_model("file_nonsense"),
            lambda: client.image_to_model("http://127.0.0.1:1/x.png"),
            lambda: client.get_task("018f0000-0000-7000-8000-000000000000"),
            lambda: client.upload_file(str(text)),
            lambda: client.create_task({"type": "mesh_uv", "input": made[0]}),
        ):
            with pytest.raises(TripoAPIError) as refused:
                await ask()
            assert refused.value.message and refused.value.suggestion
            codes.append(refused.value.code)
        return codes

    assert talk(served, work) == [2002, 2002, 2002, 2002, 2004, 1004, 2001, 1004, 2001, 2004, 2002]


def test_a_link_takes_one_file(served, made):
    asked = served.http.post("/v3/files/presign", json={"format": "png"}).json()["data"]
    content = made[1].read_bytes()
    assert served.http.put(asked["presigned_url"], content=content).status_code == 200
    again = served.http.put(asked["presigned_url"], content=content[:-1] + b"x")
    assert again.status_code in (400, 409) and again.json()["code"] == 1004
    kept = served.http.get(f"/v1/files/{asked['file_token'].removeprefix('file_')}/content").content
    assert kept == content
