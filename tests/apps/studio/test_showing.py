"""What the studio shows of models: all looks, two side by side, the report, errors, the phone's page."""

import time

import numpy as np
import pytest

from .conftest import PHONE, pixels_of, png

LOOKS = ("Shaded", "Normals", "Wireframe", "UV", "Seen or inferred")


def of(job):
    return f"#/models/{job['id']}"


def test_each_look_shows_the_model_in_another_way(open_page, made):
    page = open_page(of(made))
    pictures = [pixels_of(page)]
    for look in LOOKS:
        page.get_by_role("button", name=look, exact=True).click()
        pictures.append(pixels_of(page))
    for index, one in enumerate(pictures):
        assert (one[..., 3] > 0).any()
        assert all(np.abs(one.astype(int) - other).mean() > 0.5 for other in pictures[:index])


def test_seen_and_inferred_are_blue_and_orange(open_page, made):
    page = open_page(of(made))
    page.locator("canvas[data-drawn=yes]").wait_for()
    page.get_by_role("button", name="Seen or inferred").click()
    front = pixels_of(page)
    for _ in range(26):  # half a turn
        page.locator(".model-view canvas").press("ArrowRight")
    back = pixels_of(page)

    def blueness(pixels):
        solid = pixels[pixels[..., 3] > 250].astype(int)
        return (solid[:, 2] > solid[:, 0] + 20).mean()

    assert blueness(front) > 0.5 > blueness(back)


def test_two_models_turn_together(open_page, made):
    page = open_page(f"#/compare/{made['id']}/{made['id']}")
    before = [pixels_of(page, which) for which in (0, 1)]
    page.locator(".model-view canvas").first.press("ArrowRight")
    page.locator(".model-view canvas").first.press("ArrowRight")
    deadline = time.monotonic() + 10
    while True:  # the other one follows a frame later
        after = [pixels_of(page, which) for which in (0, 1)]
        apart = np.abs(after[0].astype(int) - after[1]).mean()
        if apart < 1.0 or time.monotonic() > deadline:
            break
    assert not np.array_equal(before[1], after[1])
    assert apart < 1.0
    page.get_by_role("row", name="Faces").wait_for()


def test_a_pair_is_picked_in_the_gallery(open_page, made):
    page = open_page("#/models")
    page.get_by_role("checkbox", name=f"Compare {made['labels']['title']}").first.check()
    page.get_by_text("Pick another").wait_for()


def test_the_report_is_in_plain_words(open_page, made):
    page = open_page(of(made))
    page.get_by_role("heading", name="A sound model").wait_for()
    page.get_by_text("of the surface was seen in the photo").wait_for()
    assert "--" not in page.locator(".result-side").inner_text()


def test_a_job_that_failed_says_why_and_leads_on(open_page, failed):
    page = open_page(of(failed))
    page.get_by_role("heading", name="This did not work").wait_for()
    page.get_by_text("There is no clear object").wait_for()
    page.get_by_role("button", name="Change it and try again").click()
    page.get_by_role("button", name="Make the model").wait_for()


def test_a_model_is_deleted_after_a_question(open_page, server):
    server.make(png(np.full((90, 90, 3), 90, np.uint8)), "To be deleted")
    page = open_page("#/models")
    page.get_by_role("button", name="Delete To be deleted").click()
    page.get_by_role("dialog").get_by_text("can't be undone").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.get_by_role("button", name="Delete To be deleted").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("link", name="To be deleted").wait_for(state="detached")
    assert "To be deleted" not in str(server.send("jobs"))


def test_a_server_that_is_gone_is_said_in_words(open_page, made):
    page = open_page(quiet=True)
    page.get_by_role("heading", name="Turn a photo").wait_for()
    page.route("**/v1/**", lambda route: route.abort())
    page.get_by_role("link", name="Models").click()
    page.get_by_text("The server does not answer.").first.wait_for()
    page.unroute("**/v1/**")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("link", name=made["labels"]["title"]).first.wait_for()


def test_a_token_is_asked_for_and_kept_out_of_addresses(open_page, made):
    page = open_page(quiet=True)
    refusal = {"error": {"code": "no-token", "message": "A token is needed.", "hint": "Give one."}}

    def guard(route):
        if route.request.headers.get("authorization") == "Bearer secret-token":
            return route.continue_()
        return route.fulfill(status=401, json=refusal)

    page.route("**/v1/**", guard)
    page.reload()
    page.get_by_role("textbox", name="Token").fill("secret-token")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name=made["labels"]["title"]).first.wait_for()
    assert "secret-token" not in page.url


def test_the_phones_page_shows_the_model_without_a_token(open_page, made):
    files = {file["format"]: file["signed_url"] for file in made["assets"][0]["files"]}
    from urllib.parse import urlencode

    told = urlencode({"glb": files["glb"], "usdz": files["usdz"], "title": "Pear"})
    page = open_page(f"ar.html#{told}", viewport=PHONE)
    page.locator("body[data-ready=yes]").wait_for()
    assert page.locator("model-viewer").evaluate("viewer => viewer.iosSrc") == files["usdz"]
    page.get_by_text("Drag to turn it.").wait_for()


@pytest.mark.parametrize("glb", ["https://elsewhere.example/x.glb", "//elsewhere.example/x.glb"])
def test_the_phones_page_shows_nothing_from_elsewhere(open_page, glb):
    page = open_page(f"ar.html#glb={glb}", viewport=PHONE)
    page.get_by_text("This link is not whole").wait_for()
