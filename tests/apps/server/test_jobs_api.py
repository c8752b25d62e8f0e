"""A picture becomes a model through the real server: orders, events, files, masks, checks, reworks."""

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

import unflat
from unflat.apps.server.app import create_app

DRAFT = {"recipe": "inflate-draft", "texture_px": 512, "preview": False, "settings": {"reconstruct.resolution": 48}}


def test_a_picture_becomes_a_model(served, picture, tmp_path):
    uploaded = served.http.post("/v1/files", files={"file": ("pear.png", picture)}).json()
    assert (uploaded["media_type"], uploaded["width_px"]) == ("image/png", 160)
    order = {"pictures": [{"file": uploaded["id"]}], "formats": ["glb", "usdz"], **DRAFT, "preview": True,
             "labels": {"shelf": "7"}}  # fmt: skip
    answer = served.http.post("/v1/jobs", json=order)
    assert answer.status_code == 202
    job = served.wait(answer.json()["id"])
    assert job["state"] == "succeeded" and job["attempts"] == 1 and job["labels"] == {"shelf": "7"}
    assert job["progress"]["fraction"] == 1.0 and job["timings_s"]["texture"] > 0
    files = {file["name"]: file for file in job["assets"][0]["files"]}
    assert {file["role"] for file in files.values()} == {"model", "preview", "report"}
    for name in ("pear.glb", "pear.usdz", "pear_preview.png", "pear_report.json"):
        content = served.http.get(files[name]["url"]).content
        assert hashlib.sha256(content).hexdigest() == files[name]["sha256"]
    path = tmp_path / "pear.glb"
    path.write_bytes(served.http.get(files["pear.glb"]["signed_url"]).content)
    assert unflat.check(unflat.load(path)).watertight
    assert json.loads(served.http.get(files["pear_report.json"]["url"]).content)["faces"] > 100


def test_events_come_as_they_happen_and_go_on_where_they_broke_off(served, picture):
    job = served.order(picture)
    seen = []
    with served.http.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                seen.append([int(value)])
            elif name == "event":
                seen[-1].append(value)
            elif name == "data":
                seen[-1].append(json.loads(value))
    ids = [event[0] for event in seen]
    assert ids == sorted(set(ids)) and seen[-1][1:] == ["state", {"state": "succeeded", "error": None}]
    fractions = [event[2]["fraction"] for event in seen if event[1] == "progress"]
    assert fractions == sorted(fractions) and len(fractions) >= 2
    again = served.http.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": str(ids[-2])}).text
    assert again.count("event:") == 1 and f"id: {ids[-1]}\n" in again


def test_parts_of_a_file_and_known_files(served, picture):
    job = served.wait(served.order(picture)["id"])
    url = job["assets"][0]["files"][0]["url"]
    whole = served.http.get(url)
    part = served.http.get(url, headers={"Range": "bytes=2-5"})
    assert part.status_code == 206 and part.content == whole.content[2:6]
    assert part.headers["content-range"] == f"bytes 2-5/{len(whole.content)}"
    assert served.http.get(url, headers={"Range": "bytes=-3"}).content == whole.content[-3:]
    assert served.http.get(url, headers={"Range": "bytes=999999999-"}).status_code == 416
    assert served.http.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    saved = served.http.get(url, params={"download": "1"}).headers["content-disposition"]
    assert saved.startswith("attachment") and "pear.glb" in saved


def test_the_mask_can_be_seen_corrected_and_given_back(served, pear):
    picture = png(pear(alpha=False))
    file = served.http.post("/v1/files", files={"file": ("pear.png", picture)}).json()["id"]
    marked = {"picture": {"file": file}, "box": [20, 10, 140, 155]}
    mask = served.http.post("/v1/masks", json=marked)
    assert mask.status_code == 200, mask.text
    assert 0.1 < mask.json()["share"] < 0.6 and served.http.get(mask.json()["url"]).content[1:4] == b"PNG"
    job = served.order(pictures=[{"file": file}], mask={"file": mask.json()["file"]})
    assert served.wait(job["id"])["state"] == "succeeded"
    wrong = served.http.post("/v1/masks", json={"picture": {"file": file}, "box": [900, 900, 950, 950]})
    assert wrong.status_code == 422 and wrong.json()["error"]["hint"]


def test_a_model_is_checked_and_reworked_for_another_use(served, picture, tmp_path):
    made = served.wait(served.order(picture)["id"])
    glb = served.http.get(made["assets"][0]["files"][0]["url"]).content
    report = served.http.post("/v1/checks", files={"model": ("pear.glb", glb)}, data={"target": "print"}).json()
    assert report["target"] == "print" and report["passed"] is False  # no real size
    whole = served.order(kind="rework", model={"result": f"{made['id']}/pear.glb"}, formats=["stl"], height="8cm",
                         texture_px=None, recipe=None, settings={}, faces=800)  # fmt: skip
    done = served.wait(whole["id"])
    assert done["state"] == "succeeded", done
    path = tmp_path / "pear.stl"
    path.write_bytes(served.http.get(done["assets"][0]["files"][0]["url"]).content)
    assert done["assets"][0]["report"]["faces"] < 1200
    checked = served.wait(served.order(kind="check", model={"result": f"{made['id']}/pear.glb"}, target="web")["id"])
    assert checked["assets"][0]["report"]["passed"] and checked["assets"][0]["files"][0]["role"] == "report"


def test_what_the_engine_refuses_is_told_with_its_code(served, picture):
    empty = served.http.post("/v1/files", files={"file": ("x.png", flat())}).json()
    job = served.wait(served.order(pictures=[{"file": empty["id"]}])["id"])
    assert job["state"] == "failed" and job["error"]["code"] == "nothing-in-picture" and job["error"]["hint"]
    wrong = served.wait(served.order(picture, settings={"texture.nonsense": 1})["id"])
    assert wrong["error"]["code"] == "unknown-option"
    gone = served.order(pictures=[{"file": empty["id"]}], priority=-1)
    served.http.delete(f"/v1/files/{empty['id']}")
    assert served.wait(gone["id"])["state"] == "failed"


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def flat():
    return png(np.random.default_rng(1).integers(0, 255, (96, 96, 3), np.uint8))


def test_the_same_order_sent_twice_is_one_job(served, picture):
    file = served.http.post("/v1/files", files={"file": ("pear.png", picture)}).json()["id"]
    order, key = {"pictures": [{"file": file}], **DRAFT}, {"Idempotency-Key": "order-7"}
    first = served.http.post("/v1/jobs", json=order, headers=key).json()
    second = served.http.post("/v1/jobs", json=order, headers=key)
    assert second.status_code == 202 and second.json()["id"] == first["id"]
    other = served.http.post("/v1/jobs", json=order | {"seed": 1}, headers=key)
    assert other.status_code == 409 and other.json()["error"]["code"] == "idempotency-conflict"
    served.wait(first["id"])
    # a form that is sent again brings the same pictures under new names: it is still the same order
    form = {"data": {"order": json.dumps(DRAFT)}, "files": {"pictures": ("pear.png", picture)}}
    ids = {served.http.post("/v1/jobs", **form, headers={"Idempotency-Key": "form"}).json()["id"] for _ in range(2)}
    assert len(ids) == 1
    served.wait(ids.pop())


def test_deleting_a_job_deletes_its_files(served, picture):
    job = served.wait(served.order(picture)["id"])
    url = job["assets"][0]["files"][0]["url"]
    assert served.http.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert served.http.get(url).status_code == 404 and served.http.get(f"/v1/jobs/{job['id']}").status_code == 404


def test_the_server_knows_what_it_can_do(served):
    for name in ("recipes", "backends", "targets", "formats", "limits", "version"):
        assert served.http.get(f"/v1/{name}").status_code == 200
    assert served.http.get("/ready").json()["status"] == "ready"
    assert "unflat_jobs{state=" in served.http.get("/metrics").text
    page = served.http.get("/")
    assert page.status_code == 200 and "script-src 'self'" in page.headers["content-security-policy"]


def test_an_order_that_is_sent_again_counts_once(settings, picture):
    app = create_app(replace(settings, max_queued=1), work=False)
    with TestClient(app) as client:
        file = client.post("/v1/files", files={"file": ("pear.png", picture)}).json()["id"]
        order, key = {"pictures": [{"file": file}]}, {"Idempotency-Key": "once"}
        first, again = (client.post("/v1/jobs", json=order, headers=key) for _ in range(2))
        assert first.status_code == again.status_code == 202 and first.json()["id"] == again.json()["id"]
        assert client.post("/v1/jobs", json=order).status_code == 429
