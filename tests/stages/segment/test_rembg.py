"""The adapter for rembg, proven on a tiny network with U2-Net's input and output."""

import numpy as np
import pytest

from unflat.core import Context, InputError, Photo, RecipeError, SetupError
from unflat.stages.catalog import find_card
from unflat.stages.segment.rembg import Rembg

PIXELS = np.full((120, 160, 3), (40, 60, 200), np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """rembg's model folder with a network in it that tells red from blue, and one that is no network."""
    pytest.importorskip("rembg", reason="the extra “masks” is not installed")
    onnx = pytest.importorskip("onnx", reason="onnx, which builds the tiny network, is not installed")
    folder = tmp_path_factory.mktemp("models")
    weight = np.zeros((1, 3, 1, 1), np.float32)
    weight[0, 0], weight[0, 2] = 4, -4
    floats, make = onnx.TensorProto.FLOAT, onnx.helper
    graph = make.make_graph(
        [make.make_node("Conv", ["image", "weight"], ["logit"]), make.make_node("Sigmoid", ["logit"], ["mask"])],
        "red-or-blue",
        [make.make_tensor_value_info("image", floats, [1, 3, 320, 320])],
        [make.make_tensor_value_info("mask", floats, [1, 1, 320, 320])],
        [make.make_tensor("weight", floats, weight.shape, weight.ravel())],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, folder / "tiny.onnx")
    (folder / "broken.onnx").write_bytes(b"nonsense")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("U2NET_HOME", str(folder))
        yield folder


def custom(models, name):
    return Rembg(model="u2net_custom", model_path=str(models / name))


def test_a_network_of_ones_own_cuts_the_object_out(models):
    pixels = PIXELS.copy()
    pixels[30:90, 40:120] = (220, 40, 30)
    mask = custom(models, "tiny.onnx")(Photo(pixels), Context()).mask
    assert mask.box == (pytest.approx(40, abs=1), pytest.approx(30, abs=1), 120, 90)
    assert (mask.made_by, mask.confidence > 0.8) == ("rembg", True)


def test_a_photo_in_which_the_network_sees_nothing_is_refused(models):
    with pytest.raises(InputError) as caught:
        custom(models, "tiny.onnx")(Photo(PIXELS), Context())
    assert caught.value.code == "nothing-in-picture"


@pytest.mark.parametrize("name", ["broken.onnx", "missing.onnx", "../elsewhere.onnx"])
def test_weights_that_cannot_be_used_say_why(models, name):
    with pytest.raises(SetupError) as caught:
        custom(models, name)(Photo(PIXELS), Context())
    assert caught.value.code == "bad-weights"


def test_weights_that_cannot_be_fetched_say_how_to_get_them(models, monkeypatch):
    import rembg

    def offline(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr(rembg, "new_session", offline)
    with pytest.raises(SetupError) as caught:
        Rembg(model="u2netp")(Photo(PIXELS), Context())
    assert caught.value.code == "missing-weights"
    assert "Go online once" in caught.value.hint


@pytest.mark.parametrize("model", ["u3net", "atlascloud"])
def test_unknown_models_and_those_that_send_the_picture_away_are_refused(models, model):
    with pytest.raises(RecipeError):
        Rembg(model=model)(Photo(PIXELS), Context())


@pytest.mark.parametrize("options", [{"model": "u2net", "model_path": "a.onnx"}, {"model": "u2net_custom"}])
def test_a_file_and_a_named_model_do_not_go_together(options):
    with pytest.raises(RecipeError) as caught:
        Rembg(**options)
    assert caught.value.code == "bad-option"


def test_without_the_extra_the_pip_line_is_given():
    card = find_card("segment", "rembg")
    if not card.missing:
        pytest.skip("the extra “masks” is installed")
    with pytest.raises(SetupError) as caught:
        card.load()
    assert "unflat[masks]" in caught.value.hint
