"""Targets refuse what can't be used, with advice, and pass what can."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Asset, GateRefused, Material, RecipeError, Scale
from unflat.stages.check.describe import describe, length_text, report_json
from unflat.stages.check.gate import check, checked, require_passed
from unflat.stages.check.targets import TARGETS, find_target
from unflat.synth.capture import plain_part
from unflat.synth.letter import letter_f
from unflat.synth.solids import box, merged, moved, mug, torus


def metric(*parts):
    return Asset(parts, scale=Scale.METRIC)


def codes(report, severity=None):
    return {finding.code for finding in report.findings if severity in (None, finding.severity)}


def small(part, size=0.1):
    return replace(part, mesh=part.mesh.with_vertices(part.mesh.vertices * np.float32(size)))


@pytest.mark.parametrize("target", [target.name for target in TARGETS])
def test_a_small_textured_metric_solid_is_good_for_everything(target):
    report = check(metric(letter_f(0.1)), target)
    assert report.passed
    assert report.target == target
    assert codes(report) == set()


def test_an_unknown_target_is_refused_with_the_near_name():
    with pytest.raises(RecipeError) as refused:
        check(metric(letter_f()), "pritn")
    assert refused.value.code == "unknown-target"
    assert "print" in refused.value.hint


def test_without_a_target_nothing_is_asked_for():
    open_box = replace(box(), faces=box().faces[:-2])
    report = check(Asset((plain_part(open_box),)))
    assert report.passed
    assert codes(report) == {"not-watertight"}


@pytest.mark.parametrize("target", ["print", "ar"])
def test_an_asset_without_scale_is_refused_where_size_matters(target):
    report = check(Asset((letter_f(0.1),)), target)
    assert codes(report, "error") == {"no-scale"}
    assert "--height" in report.findings[0].hint


@pytest.mark.parametrize("target", ["game", "web"])
def test_an_asset_without_scale_is_good_where_it_does_not(target):
    assert check(Asset((letter_f(0.1),)), target).passed


def test_print_refuses_an_open_body():
    letter = letter_f(0.1)
    open_letter = replace(letter, mesh=replace(letter.mesh, faces=letter.mesh.faces[:-1]))
    assert "not-watertight" in codes(check(metric(open_letter), "print"), "error")
    assert check(metric(open_letter), "web").passed


def test_print_refuses_an_inside_out_body():
    cube = small(plain_part(box()))
    flipped = replace(cube, mesh=replace(cube.mesh, faces=cube.mesh.faces[:, ::-1].copy()))
    assert "inside-out" in codes(check(metric(flipped), "print"), "error")


@pytest.mark.parametrize(
    ("thickness_mm", "severity"), [(2.0, None), (0.81, None), (0.6, "warning"), (0.45, "warning"), (0.2, "error")]
)
def test_print_judges_thin_walls_by_the_nozzle(thickness_mm, severity):
    plate = plain_part(box((0.05, thickness_mm / 1000, 0.05)))
    report = check(metric(plate), "print")
    assert [finding.severity for finding in report.findings if finding.code == "thin-walls"] == (
        [] if severity is None else [severity]
    )


def test_print_warns_of_crossing_faces_and_of_giants():
    crossing = small(plain_part(merged([box(), moved(box(), (0.3, 0.4, 0.5))])))
    assert codes(check(metric(crossing), "print")) == {"self-intersections"}
    assert codes(check(metric(plain_part(box((2.0, 1.0, 1.0)))), "print")) == {"too-large"}


def test_budgets_of_faces_and_texels_are_kept():
    heavy = plain_part(torus(segments=160))
    assert len(heavy.mesh.faces) > 20_000
    assert "too-many-faces" in codes(check(metric(heavy), "game"), "error")
    letter = letter_f(0.1)
    wide = replace(letter, material=Material(base_color=np.zeros((4096, 4096, 3), np.uint8)))
    report = check(metric(wide), "game")
    assert codes(report, "error") == {"texture-too-large"}
    assert "--texture 2048" in report.findings[0].hint


def test_the_web_warns_of_large_files():
    noise = np.random.default_rng(0).integers(0, 255, (2048, 2048, 3), dtype=np.uint8)
    heavy = replace(letter_f(0.1), material=Material(base_color=noise))
    assert codes(check(metric(heavy), "web")) == {"file-too-large"}


def test_a_game_warns_of_overlap_and_of_missing_uv():
    letter = letter_f(0.1)
    doubled = replace(letter, mesh=replace(letter.mesh, uv=letter.mesh.uv % np.float32([0.5, 1.0])))
    assert "uv-overlap" in codes(check(metric(doubled), "game"), "warning")
    assert "no-uv" in codes(check(metric(plain_part(box())), "game"), "warning")


def test_mirrored_charts_are_noted():
    letter = letter_f(0.1)
    mirrored = replace(letter, mesh=replace(letter.mesh, uv=np.float32([1, 0]) + letter.mesh.uv * np.float32([-1, 1])))
    assert codes(check(metric(mirrored), "game")) == {"uv-mirrored"}


def test_a_mostly_inferred_asset_says_so():
    letter = letter_f(0.1)
    guessed = replace(letter, mesh=replace(letter.mesh, confidence=np.zeros(len(letter.mesh.vertices), np.float32)))
    report = check(metric(guessed), "web")
    assert report.passed
    assert codes(report, "note") == {"mostly-inferred"}


def test_findings_come_worst_first_and_all_have_advice():
    bad = Asset((plain_part(replace(torus(segments=200), faces=torus(segments=200).faces[:-1])),))
    report = check(bad, "print")
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert all(finding.hint and finding.message.endswith(".") for finding in report.findings)


def test_the_gate_raises_with_every_error_and_its_advice():
    report = check(Asset((plain_part(replace(box(), faces=box().faces[:-2])),)), "print")
    with pytest.raises(GateRefused) as refused:
        require_passed(report)
    assert refused.value.code in codes(report, "error")
    assert "closed" in refused.value.message
    assert "--height" in refused.value.hint
    require_passed(check(metric(letter_f(0.1)), "print"))


def test_a_checked_asset_carries_its_report():
    assert checked(metric(letter_f(0.1)), "web").report.target == "web"


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_target_asks_of_a_recipe_is_within_its_own_limits(target):
    settings = dict(target.settings)
    assert settings["finish.decimate.faces"] <= target.max_faces
    assert settings["texture.size_px"] <= (target.max_texture_px or 4096)
    assert find_target(target.name) is target
    assert target.formats


@pytest.mark.parametrize("target", TARGETS)
def test_every_recipe_takes_every_targets_settings(target):
    from unflat.pipeline.recipe import load_recipe, recipe_names

    for name in recipe_names():
        recipe = load_recipe(name)
        if any(step.key == "finish.decimate" for step in recipe.steps):
            assert recipe.with_settings(dict(target.settings))


# Words and JSON -----------------------------------------------------------------------------------------------------


def test_a_report_reads_as_sentences():
    lines = describe(check(metric(plain_part(mug(0.1))), "print"))
    text = "\n".join(lines)
    assert "2,760 faces" in text
    assert "watertight, manifold, 1 handle, no faces cross" in text
    assert "10 cm" in text
    assert "walls from 5 mm" in text
    assert lines[-1] == "✓ good for print"


def test_a_refusal_reads_with_its_reasons():
    lines = describe(check(Asset((plain_part(mug(0.1)),)), "print"))
    assert lines[-1] == "✗ refused for print"
    assert any(line.startswith("✗ The real size is unknown") and "--height" in line for line in lines)
    assert any("real size unknown, proportions" in line for line in lines)


def test_seen_and_texture_facts_are_told_where_they_are_known():
    letter = letter_f(0.1)
    part = replace(letter, mesh=replace(letter.mesh, confidence=np.ones(len(letter.mesh.vertices), np.float32)))
    text = "\n".join(describe(check(metric(part))))
    assert "100% of the surface was seen, 0% is inferred" in text
    assert "texels per mm, no overlap" in text


def test_json_holds_every_fact_and_null_for_what_was_not_measured():
    report = check(Asset((plain_part(replace(box(), faces=box().faces[:-2])),)), "print")
    table = json.loads(json.dumps(report_json(report), allow_nan=False))
    assert math.isnan(report.volume_m3)
    assert table["volume_m3"] is None
    assert table["scale"] == "up-to-scale"
    assert table["passed"] is False
    assert table["size_m"] == pytest.approx([1, 1, 1])
    assert {finding["code"] for finding in table["findings"]} == codes(report)


@pytest.mark.parametrize(
    ("metres", "text"), [(1.7, "1.7 m"), (0.123, "12.3 cm"), (0.01, "1 cm"), (0.0054, "5.4 mm"), (0.00042, "0.42 mm")]
)
def test_lengths_are_told_in_units_that_people_use(metres, text):
    assert length_text(metres) == text
