"""Metashape's XML: its documented camera model, projected by hand, lands where our camera puts it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unflat.core import Camera, InputError
from unflat.geometry.cameras import look_at, project
from unflat.io.cameras import read_cameras
from unflat.io.metashape import read_metashape

CALIBRATION = {
    "f": 1500.0, "cx": 12.0, "cy": -7.0, "b1": 3.0, "k1": -0.09, "k2": 0.05, "k3": -0.02, "p1": 0.004, "p2": -0.002,
}  # fmt: skip
SIZE = (1000, 800)
UP = np.array([0.0, 0, 1])
POSE = look_at(np.array([0.3, -4, 1]), np.zeros(3), UP)
LOCAL = "<reference>LOCAL_CS[&quot;Local Coordinates (m)&quot;]</reference>"


def words(numbers: np.ndarray | list[float]) -> str:
    return " ".join(f"{number:.17g}" for number in np.ravel(numbers))


def camera(label: str = "IMG_1", pose: np.ndarray | None = POSE, extra: str = "", attributes: str = "") -> str:
    transform = "" if pose is None else f"<transform>{words(pose)}</transform>"
    return f'<camera id="0" sensor_id="0" label="{label}" {attributes}>{transform}{extra}</camera>'


def calibration(values: dict[str, float], kind: str = "adjusted") -> str:
    tags = "".join(f"<{key}>{value:.17g}</{key}>" for key, value in values.items())
    size = f'<resolution width="{SIZE[0]}" height="{SIZE[1]}"/>'
    return f'<calibration type="frame" class="{kind}">{size}{tags}</calibration>'


def transform(rotation: np.ndarray, translation: list[float], scale: float) -> str:
    return (
        f'<transform><rotation locked="true">{words(rotation)}</rotation>'
        f"<translation>{words(translation)}</translation><scale>{scale}</scale></transform>"
    )


def chunk(cameras: str, *, sensor: str | None = None, components: str = "", after: str = "") -> str:
    sensor = f'<sensor id="0" label="x" type="frame">{calibration(CALIBRATION)}</sensor>' if sensor is None else sensor
    return (
        f'<chunk label="Chunk 1"><sensors next_id="1">{sensor}</sensors><components>{components}</components>'
        f'<cameras next_id="9"><group id="0" label="links">{cameras}</group></cameras>{after}</chunk>'
    )


def document(*chunks: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<document version="2.0.0">{"".join(chunks)}</document>'


def read(folder: Path, *chunks: str) -> dict[str, Camera]:
    (folder / "cameras.xml").write_text(document(*chunks), encoding="utf-8")
    return read_cameras(folder / "cameras.xml")


def refused(folder: Path, *chunks: str) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, *chunks)
    assert caught.value.hint
    return caught.value.code


def by_the_manual(local: np.ndarray, c: dict[str, float]) -> np.ndarray:
    """Metashape's manual, appendix "Camera models": points in the camera's frame to pixels."""
    x, y = local[:, 0] / local[:, 2], local[:, 1] / local[:, 2]
    r2 = x**2 + y**2
    radial = 1 + c["k1"] * r2 + c["k2"] * r2**2 + c["k3"] * r2**3
    xd = x * radial + c["p1"] * (r2 + 2 * x**2) + 2 * c["p2"] * x * y
    yd = y * radial + c["p2"] * (r2 + 2 * y**2) + 2 * c["p1"] * x * y
    u = SIZE[0] / 2 + c["cx"] + xd * c["f"] + xd * c["b1"]
    return np.column_stack([u, SIZE[1] / 2 + c["cy"] + yd * c["f"]])


POINTS = np.random.default_rng(3).uniform(-0.8, 0.8, (20, 3))


def in_camera(points: np.ndarray) -> np.ndarray:
    return np.asarray((points - POSE[:3, 3]) @ POSE[:3, :3])


def test_the_camera_model_is_that_of_the_manual(tmp_path: Path) -> None:
    (found,) = read(tmp_path, chunk(camera())).values()
    pixels, _ = project(found, POINTS)
    assert np.allclose(pixels, by_the_manual(in_camera(POINTS), CALIBRATION), atol=1e-9)
    assert (found.width_px, found.height_px) == SIZE


def test_without_a_transform_the_chunk_stays_as_it_is(tmp_path: Path) -> None:
    (found,) = read(tmp_path, chunk(camera())).values()
    assert np.allclose(found.world_from_camera, POSE, atol=1e-12)
    (turned,) = read_metashape(tmp_path / "cameras.xml", up="z").values()
    assert np.allclose(turned.center, [0.3, 1, 4])


@pytest.mark.parametrize("owner", ["chunk", "component"])
def test_the_transform_leads_to_metres_and_our_up(owner: str, tmp_path: Path) -> None:
    turn = look_at(np.zeros(3), np.array([0.2, 0.9, 0.1]), UP)[:3, :3]
    leads = transform(turn, [10.0, 20.0, 30.0], 2.5)
    if owner == "chunk":
        xml = chunk(camera(), after=leads + LOCAL)
    else:
        component = f'<component id="4">{leads}</component>'
        other = f'<component id="3">{transform(np.eye(3), [0.0] * 3, 9.0)}</component>'
        xml = chunk(camera(attributes='component_id="4"'), components=other + component)
    (found,) = read(tmp_path, xml).values()
    in_their_world = 2.5 * POINTS @ turn.T + [10, 20, 30]
    in_ours = in_their_world[:, [0, 2, 1]] * [1, 1, -1]  # z up to y up
    pixels, _ = project(found, in_ours)
    assert np.allclose(pixels, by_the_manual(in_camera(POINTS), CALIBRATION), atol=1e-8)
    assert np.allclose(
        read_metashape(tmp_path / "cameras.xml", up="y")["IMG_1"].center, found.center[[0, 2, 1]] * [1, -1, 1]
    )


def test_an_earth_centred_world_becomes_level_around_its_cameras(tmp_path: Path) -> None:
    # Above the equator at 90 degrees east: up is +Y of the Earth, north +Z, east -X.
    above, beside = np.eye(4), np.eye(4)
    above[:3, 3], beside[:3, 3] = [0, 50, 0], [-10, 50, 2]
    leads = transform(np.eye(3), [0.0, 6_378_137.0, 0.0], 1.0)
    cameras = read(tmp_path, chunk(camera("a", above) + camera("b", beside), after=leads))
    assert np.allclose(cameras["a"].center, [-5, 0, 1], atol=1e-4)  # our x is east, y up, z south
    assert np.allclose(cameras["b"].center, [5, 0, -1], atol=1e-4)
    assert np.allclose(cameras["a"].world_from_camera[:3, 1], [0, 1, 0], atol=1e-5)  # the Earth's y is up here


def test_local_coordinates_as_large_as_the_earth_are_left_alone(tmp_path: Path) -> None:
    leads = transform(np.eye(3), [0.0, 6_378_137.0, 0.0], 1.0)
    (found,) = read(tmp_path, chunk(camera(), after=leads + LOCAL)).values()
    assert found.center[2] < -6e6


@pytest.mark.parametrize("orientation", [1, 6, 3, 8])
def test_a_picture_that_exif_turns_has_the_camera_of_its_pixels_as_stored(orientation: int, tmp_path: Path) -> None:
    (found,) = read(tmp_path, chunk(camera(extra=f"<orientation>{orientation}</orientation>"))).values()
    pixels, _ = project(found, POINTS)
    assert np.allclose(pixels, by_the_manual(in_camera(POINTS), CALIBRATION), atol=1e-9)
    assert (found.width_px, found.height_px) == SIZE


def test_cameras_that_were_not_aligned_are_left_out(tmp_path: Path) -> None:
    cameras = read(tmp_path, chunk(camera("a.jpg") + camera("b.jpg", None) + camera(r"links\c.jpg")))
    assert list(cameras) == ["a.jpg", "links/c.jpg"]
    assert refused(tmp_path, chunk(camera("a", None))) == "bad-cameras"


def test_the_adjusted_calibration_counts(tmp_path: Path) -> None:
    both = calibration({"f": 900.0}, "initial") + calibration({"f": 950.0})
    (found,) = read(tmp_path, chunk(camera(), sensor=f'<sensor id="0" type="frame">{both}</sensor>')).values()
    assert found.fx == 950 and found.cx == 500
    only = f'<sensor id="0" type="frame">{calibration({"f": 900.0}, "initial")}</sensor>'
    assert read(tmp_path, chunk(camera(), sensor=only))["IMG_1"].fx == 900


def test_a_little_skew_is_left_out_and_more_is_refused(tmp_path: Path) -> None:
    def with_skew(b2: float) -> str:
        return f'<sensor id="0" type="frame">{calibration(CALIBRATION | {"b2": b2})}</sensor>'

    assert read(tmp_path, chunk(camera(), sensor=with_skew(1.5)))["IMG_1"].fx == 1503
    assert refused(tmp_path, chunk(camera(), sensor=with_skew(4.0))) == "unsupported-camera"


FRAME = '<sensor id="0" type="frame">{}</sensor>'
FISHEYE = FRAME.replace("frame", "fisheye").format(calibration(CALIBRATION))


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (chunk(camera(), sensor=FRAME.format(calibration(CALIBRATION | {"k4": 0.1}))), "unsupported-camera"),
        (chunk(camera(), sensor=FRAME.format(calibration(CALIBRATION | {"p3": 0.1}))), "unsupported-camera"),
        (chunk(camera(), sensor=FISHEYE), "unsupported-camera"),
        (chunk(camera(attributes='master_id="1"')), "unsupported-camera"),
        (chunk(camera(), sensor=""), "unsupported-camera"),
        (chunk(camera(), sensor=FRAME.format("")), "bad-cameras"),
        (chunk(camera(), sensor=FRAME.format(calibration({"cx": 1.0}))), "bad-cameras"),
        (chunk(camera(), sensor=FRAME.format(calibration(CALIBRATION).replace('"1000"', '"wide"'))), "bad-cameras"),
        (chunk(camera() + camera()), "bad-cameras"),
        (chunk(camera("")), "bad-cameras"),
        (chunk(camera(pose=np.diag([1.0, 1, -1, 1]))), "bad-cameras"),
        (chunk(camera(pose=np.eye(3))), "bad-cameras"),
        (chunk(camera().replace("0.", "zero.")), "bad-cameras"),
        (chunk(camera(), after=transform(np.eye(3), [0.0] * 3, 0.0)), "bad-cameras"),
        (chunk(camera(), after=transform(np.eye(3), [0.0] * 3, 1.0).replace("<scale>1.0</scale>", "")), "bad-cameras"),
        ("", "bad-cameras"),
    ],
)  # fmt: skip
def test_gaps_and_contradictions_are_named(xml: str, code: str, tmp_path: Path) -> None:
    assert refused(tmp_path, xml) == code


def test_several_worlds_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, chunk(camera("a")), chunk(camera("b"))) == "unsupported-camera"
    component = f'<component id="4">{transform(np.eye(3), [0.0] * 3, 1.0)}</component>'
    both = camera("a", attributes='component_id="4"') + camera("b", attributes='component_id="5"')
    assert refused(tmp_path, chunk(both, components=component)) == "unsupported-camera"
    assert list(read(tmp_path, chunk(camera("a")), chunk(camera("b", None)))) == ["a"]


BOMB = '<!DOCTYPE lol [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><document>&b;</document>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_it_unfolds(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "cameras.xml").write_bytes(BOMB.encode(encoding))
    with pytest.raises(InputError, match="document type") as caught:
        read_cameras(tmp_path / "cameras.xml")
    assert caught.value.code == "bad-cameras"


@pytest.mark.parametrize("content", [b"<document><chunk>", b"{}", b'<?xml version="1.0" encoding="klingon"?><a/>', b""])
def test_files_that_are_no_xml_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cameras.xml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_cameras(tmp_path / "cameras.xml")
    assert caught.value.code in ("bad-cameras", "empty-file")
