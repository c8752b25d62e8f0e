"""The studio for everyone: narrow screens, dark rooms, screen readers, calm motion."""

import pytest

from .conftest import DESKTOP, PHONE

PAGES = ("start", "prepare", "gallery", "result", "compare", "failed", "lost")


@pytest.fixture
def at(open_page, made, failed, pear):
    def open_at(name, **looks):
        places = {
            "gallery": "#/models",
            "result": f"#/models/{made['id']}",
            "failed": f"#/models/{failed['id']}",
            "compare": f"#/compare/{made['id']}/{made['id']}",
            "lost": "#/nowhere/at/all",
        }
        page = open_page(places.get(name, ""), **looks)
        page.locator("h1, .empty h2").first.wait_for()
        if name == "prepare":
            page.locator("input[type=file][multiple]").set_input_files(str(pear))
            page.get_by_role("status").filter(has_text="bright part").wait_for()
        if name in ("result", "compare"):
            page.locator("canvas[data-drawn=yes]").last.wait_for()
        return page

    return open_at


@pytest.mark.parametrize("name", PAGES)
def test_on_a_narrow_phone_in_the_dark_all_fits_and_axe_finds_nothing_serious(at, axe, name):
    page = at(name, viewport=PHONE, has_touch=True, color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert serious(page, axe) == []


@pytest.mark.parametrize("name", ["prepare", "result", "failed"])
def test_on_a_desk_in_the_light_axe_finds_nothing_serious(at, axe, name):
    assert serious(at(name, viewport=DESKTOP, color_scheme="light", reduced_motion="reduce"), axe) == []


def serious(page, axe):
    """What axe holds to be serious or critical, with the element and why."""
    page.evaluate(axe)
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found
            if one["impact"] in ("serious", "critical") for node in one["nodes"]]  # fmt: skip


def test_dark_is_dark(at):
    page = at("start", color_scheme="dark")
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in color[4:-1].split(",")) < 60


def test_the_page_has_landmarks_one_title_and_a_way_past_the_navigation(at):
    page = at("gallery")
    assert page.locator("main").count() == page.locator("h1").count() == page.locator("nav").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"
