"""Files: told by content, within limits, stored whole, named harmlessly."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.files import Files
from unflat.apps.jobs.media import media_type_of, safe_name
from unflat.apps.jobs.problems import NotFound, TooLarge
from unflat.apps.jobs.storage import Storage
from unflat.core.errors import InputError, SetupError


def picture(format="png", size=(32, 24)):
    stream = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), 120, np.uint8)).save(stream, format)
    return stream.getvalue()


@pytest.mark.parametrize(("format", "ending"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp"), ("bmp", "bmp")])
def test_a_picture_is_known_by_its_content_whatever_its_name(files, format, ending):
    stored = files.add("", "holiday.exe", [picture(format)])
    assert (stored.family, stored.ending, stored.name) == ("picture", ending, f"holiday.{ending}")
    assert (stored.width_px, stored.height_px) == (32, 24)
    assert b"".join(files.storage.read(stored.key)) == picture(format)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..\\..\\windows\\x.png", "/abs/x.png", "x\0y.png", "x\ny.png", ".htaccess", "", "....",
     "a" * 999, "CON.png", "\u202egnp.exe", "x/../../y"],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(name):
    made = safe_name(name, "png")
    assert "/" not in made and "\\" not in made and not made.startswith(".") and made.isprintable()
    assert 0 < len(made) <= 130 and made.endswith(".png") and made.split(".")[0].lower() != "con"


def test_models_films_and_cameras_are_told_apart(files):
    stl = b"\0" * 80 + (1).to_bytes(4, "little") + b"\0" * 50
    assert files.add("", "a.stl", [stl]).family == "model"
    assert files.add("", "a.obj", [b"# hi\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"]).family == "model"
    assert files.add("", "transforms.json", [b'{"frames": []}']).family == "text"
    assert files.add("", "a.mp4", [b"\0\0\0\x18ftypisom" + b"\0" * 64]).family == "film"


def test_an_archive_is_no_upload(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("../../x.png", picture())
    with pytest.raises(InputError) as refused:
        files.add("", "photos.zip", [stream.getvalue()])
    assert refused.value.code == "unsupported-format"


def test_too_many_bytes_are_refused_before_they_are_looked_at(tmp_path, database, storage):
    small = Files(JobsConfig(tmp_path / "data", max_upload_bytes=1000), database, storage)
    with pytest.raises(TooLarge):
        small.add("", "x.png", (b"x" * 400 for _ in range(10**9)))
    assert storage.keys("uploads") == []
    assert list((tmp_path / "data" / "incoming").iterdir()) == []


def test_too_many_pixels_are_refused_by_the_header(tmp_path, database, storage):
    small = Files(JobsConfig(tmp_path / "data", max_pixels=500), database, storage)
    with pytest.raises(InputError) as refused:
        small.add("", "x.png", [picture()])
    assert refused.value.code == "too-many-pixels"


@pytest.mark.parametrize("text", ["data:image/png;base64,!!!", "data:", "http://x", "data:image/png;base64,"])
def test_a_bad_data_url_is_refused(files, text):
    with pytest.raises(InputError):
        files.add_data_url("", text)


def test_files_of_others_are_not_there(files):
    stored = files.add("mine", "x.png", [picture()])
    with pytest.raises(NotFound):
        files.get("yours", stored.id)
    files.remove("mine", stored.id)
    with pytest.raises(NotFound):
        files.get("mine", stored.id)
    with pytest.raises(InputError) as gone:
        list(files.storage.read(stored.key))
    assert gone.value.code == "file-gone"


@pytest.mark.parametrize("key", ["../x", "a/../b", "/x", "a//b", "a\\b", ""])
def test_a_key_can_not_leave_the_storage(storage, key):
    with pytest.raises(ValueError):
        storage.delete(key)


def test_any_storage_that_fsspec_knows_serves(tmp_path):
    storage = Storage("memory://unflat-test")
    source = tmp_path / "x"
    source.write_bytes(b"0123456789")
    storage.put("results/a/1/x.glb", source)
    assert b"".join(storage.read("results/a/1/x.glb", 2, 5)) == b"234"
    storage.fetch("results/a/1/x.glb", tmp_path / "in" / "x")
    assert (tmp_path / "in" / "x").read_bytes() == b"0123456789" and storage.local_path("results/a/1/x.glb") is None
    storage.delete("results/a")
    assert storage.keys("results/a/1") == []


def test_an_unknown_storage_is_refused():
    with pytest.raises(SetupError):
        Storage("nonsense://x")


def test_media_types():
    assert media_type_of("a.glb") == "model/gltf-binary" and media_type_of("a.jpg") == "image/jpeg"
    assert media_type_of("a.exe") == "application/octet-stream"
