"""Which items a batch has: folders, patterns, manifests; and under which names."""

import json

import fsspec
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from unflat.apps.batch.item import folder_name
from unflat.apps.batch.listing import list_items
from unflat.core import InputError


def names(*given, **how):
    return [item.name for item in list_items([str(one) for one in given], **how)]


def test_a_folder_gives_its_pictures_in_order_and_only_those(shelf):
    folder = shelf("b.png", "a.png", "sub/c.png", ".hidden.png")
    (folder / "notes.txt").write_text("no picture")
    assert names(folder) == ["a", "b"]
    assert names(folder, recursive=True) == ["a", "b", "sub__c"]


def test_results_within_the_input_are_no_input(shelf):
    folder = shelf("a.png", "out/a/a_preview.png")
    assert names(folder, recursive=True, out=str(folder / "out")) == ["a"]


def test_a_pattern_may_stand_in_quotes(shelf):
    folder = shelf("cup1.png", "cup2.png", "hat.png", "deep/cup3.png")
    assert names(folder / "cup*") == ["cup1", "cup2"]
    assert names(folder / "**" / "cup*.png") == ["cup1", "cup2", "cup3"]


def test_a_file_whose_name_has_brackets_is_no_pattern(shelf):
    assert names(shelf("cup[1].png") / "cup[1].png") == ["cup[1]"]


def test_pictures_given_twice_are_made_once(shelf):
    folder = shelf("a.png")
    assert names(folder, folder / "a.png") == ["a"]


def test_equal_names_are_told_apart_and_keep_their_names_in_any_order(shelf):
    folder = shelf("a.png", "A.webp", "a.jpg")
    apart = {item.pictures[0]: item.name for item in list_items([str(folder)])}
    assert len(set(apart.values())) == 3
    turned = list_items([str(folder / "a.jpg"), str(folder / "a.png")])
    assert {item.name for item in turned} <= set(apart.values())


def test_pictures_in_an_object_store_are_listed_with_their_address(shelf):
    store = fsspec.filesystem("memory")
    store.pipe_file("/listing/in/a.png", b"x")
    store.pipe_file("/listing/in/sub/b.png", b"x")
    store.pipe_file("/listing/in/out/a/a.png", b"x")
    items = list_items(["memory://listing/in"], recursive=True, out="memory://listing/in/out")
    assert [item.name for item in items] == ["a", "sub__b"]
    assert [fsspec.core.url_to_fs(item.pictures[0])[1] for item in items] == [
        "/listing/in/a.png",
        "/listing/in/sub/b.png",
    ]


@pytest.mark.parametrize("given", ["nothing-here", "empty"])
def test_where_there_is_nothing_the_batch_says_so(given, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        list_items([given])
    assert caught.value.code in ("file-not-found", "no-views")


def test_names_are_one_folder_on_every_system():
    assert folder_name("cups/red") == "cups__red"
    assert folder_name("Tasse ß 日本") == "Tasse ß 日本"
    for wild in ("../../etc/passwd", "a\0b", "..", "", "CON: x?", "n" * 500, "/abs", ".unflat", "report.html"):
        name = folder_name(wild)
        assert name and not set(name) & set("/\\:?\0") and not name.startswith(".") and len(name.encode()) < 120
        assert name not in ("report.html", ".unflat")


def test_a_csv_manifest_brings_wishes_and_carries_the_rest(tmp_path):
    (tmp_path / "list.csv").write_text(
        "picture,name,target,height,settings,sku\n"
        'a.png,red cup,ar,12cm,"{""texture.size_px"": 512}",X-1\n'
        "sub/b.png,,,,,X-2\n", "utf-8-sig",
    )  # fmt: skip
    first, second = list_items([str(tmp_path / "list.csv")])
    assert first.name == "red cup"
    assert first.pictures == (str(tmp_path / "a.png"),)
    assert first.wishes == {"target": "ar", "height": "12cm", "settings": {"texture.size_px": 512}}
    assert first.carried == {"sku": "X-1"}
    assert second.name == "b"
    assert second.wishes == {}


def test_several_pictures_of_a_line_are_taken_together(tmp_path):
    table = pa.table({"pictures": [["a.png", "b.png"], ["c.png"]], "name": ["vase", "jug"], "weight": [1.5, None]})
    parquet.write_table(table, tmp_path / "list.parquet")
    vase, jug = list_items([str(tmp_path / "list.parquet")])
    assert vase.wishes == {"kind": "photos"} and len(vase.pictures) == 2
    assert vase.carried == {"weight": 1.5}
    assert jug.wishes == {}
    (tmp_path / "list.csv").write_text(
        f'pictures\na.png; b.png\n"{json.dumps(["c.png"]).replace(chr(34), chr(34) * 2)}"\n'
    )
    assert [len(item.pictures) for item in list_items([str(tmp_path / "list.csv")])] == [2, 1]


@pytest.mark.parametrize(
    ("line", "code"),
    [("a.png,superb,,", "bad-manifest"), ("a.png,,nonsense,", "unknown-target"), (",,,", "no-views"),
     ("a.png,,,{broken", "bad-manifest"), ("a.png,,,[1]", "bad-manifest")],
)  # fmt: skip
def test_a_wrong_line_is_one_failure_and_no_end(tmp_path, line, code):
    (tmp_path / "list.csv").write_text(f"picture,quality,target,settings\n{line}\nb.png,,,\n")
    wrong, good = list_items([str(tmp_path / "list.csv")])
    assert wrong.complaint[0] == code
    assert good.complaint is None


@pytest.mark.parametrize("content", [b"\xff\xfe\x00bad", b"name,height\nx,1\n", b'picture\n"open'])
def test_a_table_that_is_none_is_refused(tmp_path, content):
    for ending in ("csv", "parquet"):
        path = tmp_path / f"list.{ending}"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            list_items([str(path)])
        assert caught.value.code == "bad-manifest"
