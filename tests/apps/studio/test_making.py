"""From a photo to a model in a real browser: by mouse, by keyboard, with corrected masks, and over a reload."""

import io
import json
import zipfile

import numpy as np
import pytest
import trimesh

from .conftest import pear_png, pixels_of

CHOOSER = "input[type=file][multiple]"


def bring(page, *paths):
    page.locator(CHOOSER).set_input_files([str(path) for path in paths])
    page.get_by_role("status").filter(has_text="bright part").or_(page.locator(".strip .thumb").nth(1)).first.wait_for()


def test_a_photo_becomes_a_model_that_is_seen_taken_home_and_still_there_after_a_reload(open_page, pear):
    page = open_page()
    page.get_by_role("heading", name="Turn a photo into a 3D model").wait_for()
    bring(page, pear)
    page.get_by_role("radio", name="Quick").check()
    page.get_by_label("How tall is it?").fill("9")
    page.get_by_role("button", name="Make the model").click()

    page.get_by_role("progressbar", name="Progress").wait_for()
    page.get_by_text("Building the shape").first.wait_for()
    shown = pixels_of(page)
    assert is_a_pear(shown)

    with page.expect_download() as taking:
        page.get_by_role("button", name="GLB").click()
    assert taking.value.suggested_filename == "green pear.glb"
    mesh = trimesh.load(taking.value.path(), file_type="glb", force="mesh")
    assert np.ptp(mesh.vertices[:, 1]) == pytest.approx(0.09, rel=0.02)
    with page.expect_download() as taking:
        page.get_by_role("button", name="OBJ").click()
    names = zipfile.ZipFile(io.BytesIO(taking.value.path().read_bytes())).namelist()
    assert any(name.endswith(".obj") for name in names) and any(name.endswith(".mtl") for name in names)

    page.reload()
    assert is_a_pear(pixels_of(page))
    page.get_by_role("link", name="Models").click()
    page.get_by_role("link", name="green pear").first.wait_for()


def is_a_pear(pixels):
    """Something of a pear's yellow green stands in the middle, with free room around."""
    solid = pixels[..., 3] > 250
    red, green, blue = pixels[solid][:, :3].mean(axis=0)
    return 0.05 < solid.mean() < 0.7 and not solid[:, 0].any() and min(red, green) > blue + 30


def test_a_click_corrects_the_mask_and_the_order_carries_the_mask_that_was_seen(open_page, server, tmp_path):
    two = tmp_path / "two.png"
    two.write_bytes(pear_png())
    page = open_page()
    bring(page, two)
    with page.expect_response("**/v1/masks") as answered:
        page.get_by_role("button", name="Background").click()
        page.locator(".mask-frame canvas").click(position={"x": 5, "y": 5})
    assert answered.value.request.post_data_json["clicks"][0][2] == 0
    mask = answered.value.json()["file"]
    page.get_by_role("button", name="Undo").wait_for()
    with page.expect_request(lambda asked: asked.url.endswith("/v1/jobs") and asked.method == "POST") as ordered:
        page.get_by_role("radio", name="Quick").check()
        page.get_by_role("button", name="Make the model").click()
    order = json.loads(ordered.value.post_data)
    assert order["mask"] == {"file": mask}
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Same again").or_(page.locator(".model-view")).first.wait_for()


def test_several_photos_are_one_thing_or_one_each(open_page, pear, tmp_path):
    other = tmp_path / "apple.png"
    other.write_bytes(pear_png(120))
    page = open_page()
    bring(page, pear, other)
    assert page.get_by_role("radio", name="One model").is_checked()
    page.get_by_role("radio", name="A model each").check()
    page.get_by_role("button", name="Make 2 models").wait_for()
    page.get_by_role("button", name="Take apple.png away").click()
    page.get_by_role("button", name="Make the model").wait_for()


def test_photos_of_named_sides_are_ordered_as_such(open_page, pear, tmp_path):
    other = tmp_path / "behind.png"
    other.write_bytes(pear_png(120))
    page = open_page()
    bring(page, pear, other)
    page.get_by_role("radio", name="A model of its sides").check()
    page.get_by_text("back: behind.png").wait_for()
    page.get_by_role("radio", name="Quick").check()
    with page.expect_request(lambda asked: asked.url.endswith("/v1/jobs") and asked.method == "POST") as ordered:
        page.get_by_role("button", name="Make the model").click()
    assert json.loads(ordered.value.post_data)["sides"] == ["front", "back"]
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Same again").or_(page.locator(".model-view")).first.wait_for()


def test_what_was_prepared_is_still_there_after_a_reload(open_page, pear):
    page = open_page()
    bring(page, pear)
    page.get_by_role("radio", name="3D print").check()
    page.reload()
    page.get_by_role("status").filter(has_text="bright part").wait_for()
    assert page.get_by_role("radio", name="3D print").is_checked()


def test_a_pasted_and_a_dropped_picture_are_taken_and_a_text_is_refused_in_words(open_page):
    page = open_page()
    page.get_by_role("heading", name="Turn a photo").wait_for()
    page.evaluate(
        """bytes => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
          dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
          const text = new DataTransfer();
          text.items.add(new File(["words"], "notes.txt", { type: "text/plain" }));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: text, bubbles: true, cancelable: true }));
        }""",
        list(pear_png(64)),
    )
    page.get_by_role("button", name="Photo 1: pasted.png").wait_for()
    page.get_by_role("alert").filter(has_text="Only pictures").wait_for()


def test_the_keyboard_alone_is_enough(open_page, pear):
    page = open_page()
    page.get_by_role("heading", name="Turn a photo").wait_for()
    page.on("filechooser", lambda _: None)  # from now on Playwright answers choosers, so that none is missed
    tab_to(page, "Choose photos")
    with page.expect_file_chooser() as choosing:
        page.keyboard.press("Enter")
    choosing.value.set_files(str(pear))
    page.get_by_role("status").filter(has_text="bright part").wait_for()

    page.locator(".mask-frame canvas").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.locator(".mask-tools button:has-text('Undo'):enabled").wait_for()
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    tab_to(page, "Just a model")
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="Web shop").is_checked()
    tab_to(page, "Standard")
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("radio", name="Quick").is_checked()
    tab_to(page, "Make the model")
    page.keyboard.press("Enter")

    before = pixels_of(page)
    tab_to(page, "in 3D")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert not np.array_equal(before, pixels_of(page))
    tab_to(page, "Seen or inferred")
    page.keyboard.press("Enter")
    page.get_by_text("inferred, a guess").wait_for()


def tab_to(page, name, most=60):
    """Press Tab until what is named so has the focus, as someone without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        said = page.evaluate(
            """() => { const at = document.activeElement;
                 if (at === document.body) return "";
                 return [at.getAttribute("aria-label"), at.textContent, at.closest("label")?.textContent].join(" ") }"""
        )
        if name in said:
            return
    raise AssertionError(f"“{name}” can't be reached by Tab")
