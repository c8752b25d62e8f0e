"""Recipes are strict: one level of extends, near names for typos, no surprise."""

import argparse

import pytest

from unflat.apps.cli.wishes import add_wishes, request_of
from unflat.core import RecipeError
from unflat.pipeline.plan import plan
from unflat.pipeline.provenance import resolved_toml
from unflat.pipeline.recipe import load_recipe, recipe_names
from unflat.pipeline.request import Request, choose_recipe


def recipe_file(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_of_the_package_can_be_planned(name):
    recipe = load_recipe(name)
    assert plan(recipe, recipe.takes).steps


@pytest.mark.parametrize("name", recipe_names())
def test_the_resolved_form_of_a_recipe_is_a_recipe_that_does_the_same(name, tmp_path):
    recipe = load_recipe(name)
    planned = plan(recipe, recipe.takes)
    again = load_recipe(recipe_file(tmp_path, resolved_toml(planned)))
    replanned = plan(again, again.takes)
    assert [step.fingerprint for step in replanned.steps] == [step.fingerprint for step in planned.steps]


def test_a_draft_changes_only_what_it_says():
    standard, draft = load_recipe("photo"), load_recipe("photo-draft")
    assert [step.backend for step in draft.steps] == [step.backend for step in standard.steps]
    assert dict(next(s for s in draft.steps if s.backend == "decimate").settings)["faces"] == 5000


def test_an_unknown_recipe_suggests_the_near_name():
    with pytest.raises(RecipeError) as caught:
        load_recipe("foto")
    assert "photo" in caught.value.hint


def test_another_backend_does_not_inherit_the_old_ones_options(tmp_path):
    recipe = load_recipe(recipe_file(tmp_path, 'extends = "photo"\n[segment]\nbackend = "plain"\n'))
    assert recipe.steps[0].backend == "plain"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[textur]\nbackend = "bake"', "recipe-key"),
        ('[texture]\nsize_px = 512', "recipe-key"),
        ('[finish]\nsteps = []\n[finish.decimate]\nfaces = 3', "recipe-key"),
        ('extends = "photo-draft"', "recipe-extends"),
        ("this is not toml", "recipe-syntax"),
    ],
)  # fmt: skip
def test_mistakes_in_a_recipe_file_are_named(tmp_path, text, code):
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe_file(tmp_path, text))
    assert caught.value.code == code


def test_settings_win_over_the_recipe():
    recipe = load_recipe("photo").with_settings({"texture.size_px": "512", "finish.decimate.faces": 99})
    assert dict(recipe.steps[-1].settings)["size_px"] == "512"


def test_the_list_of_finish_steps_can_be_set():
    recipe = load_recipe("photo").with_settings({"finish.steps": "decimate,ground"})
    assert [step.backend for step in recipe.steps if step.stage == "finish"] == ["decimate", "ground"]
    assert dict(next(s for s in recipe.steps if s.backend == "decimate").settings)["faces"] == 20000


def test_a_setting_for_no_step_suggests_the_near_name():
    with pytest.raises(RecipeError) as caught:
        load_recipe("photo").with_settings({"textur.size_px": 1})
    assert "texture.size_px" in caught.value.hint


def test_a_reconstructor_that_cannot_take_the_source_is_refused_before_any_work():
    with pytest.raises(RecipeError) as caught:
        plan(load_recipe("hull"), "photo")
    assert caught.value.code == "recipe-misfit"


def test_an_unknown_backend_suggests_the_near_name():
    with pytest.raises(RecipeError) as caught:
        plan(load_recipe("photo").with_settings({"segment.backend": "grabcat"}), "photo")
    assert "grabcut" in caught.value.hint


def chosen(**wishes):
    return choose_recipe(Request(pictures=(), **wishes), "photos")


@pytest.mark.parametrize("quality", ["draft", "standard", "high"])
def test_only_the_object_counts_where_that_is_asked_for(quality):
    before = [step.stage for step in chosen(quality=quality).steps]
    recipe = chosen(quality=quality, object_masks=True)
    assert [step.stage for step in recipe.steps] == ["segment", *before]
    assert recipe.steps[0].backend == "network"
    assert plan(recipe, "photos").of_stage("segment")


def test_another_segmenter_may_be_named_for_the_object():
    recipe = chosen(object_masks=True, settings={"segment.backend": "given"})
    assert [step.backend for step in recipe.steps if step.stage == "segment"] == ["given"]


def test_a_recipe_that_segments_already_stays_as_it_is():
    assert choose_recipe(Request(pictures=(), object_masks=True), "photo") == load_recipe("photo")


def test_the_command_line_asks_for_the_object():
    parser = argparse.ArgumentParser()
    add_wishes(parser)
    assert request_of(parser.parse_args(["a.jpg", "b.jpg", "--together", "--object"]), ["a.jpg"]).object_masks
    assert not request_of(parser.parse_args(["a.jpg"]), ["a.jpg"]).object_masks
