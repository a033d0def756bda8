"""Exports as ONNX, LiteRT and OpenVINO."""

import json
import subprocess
import sys

import keras
import numpy as np
import onnx
import pytest
import tiny_v2
from keras import ops

from keras_stargan import LabelSet, StarGAN
from keras_stargan.data import ImageSet
from keras_stargan.experiments import export_cost
from keras_stargan.export import export_model, load_export, writing
from keras_stargan.methods import registry

SIZE = 16
LABEL_SET = LabelSet(("angry", "happy", "sad"))
RNG = np.random.default_rng(4)
IMAGES = RNG.uniform(-1, 1, (3, SIZE, SIZE, 3)).astype("float32")
LABELS = np.eye(3, dtype="float32")[[2, 0, 1]]
PICTURES = RNG.integers(0, 256, (5, SIZE, SIZE, 3), "uint8")


def small_model(kind=StarGAN, labels=LABEL_SET):
    keras.utils.set_random_seed(0)
    model = kind(
        image_size=SIZE,
        labels=labels,
        conv_dim=4,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )
    rng = np.random.default_rng(0)
    for weight in model.weights:
        # As after training: not scales of 1 and shifts of 0.
        if weight.path.endswith(("gamma", "beta")):
            weight.assign(weight + rng.normal(0, 0.3, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module", params=["onnx", "litert", "openvino"])
def exported(request, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "model"
    return folder, export_model(model, folder, request.param, verbose=0)


def test_an_export_translates_any_number_of_images_as_keras(model, exported):
    endpoint = load_export(exported[0]).endpoints["translate_label"]
    expected = model.translate(IMAGES, LABELS)
    found = endpoint(images=IMAGES, labels=LABELS)["translated"]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_an_export_classifies_as_keras(model, exported):
    found = load_export(exported[0]).endpoints["classify"](images=IMAGES)["logits"]
    np.testing.assert_allclose(found, model.classify_batch(IMAGES), atol=1e-4)


def test_an_export_runs_without_tensorflow(exported):
    program = (
        "import sys\n"
        "from keras_stargan.export import load_export\n"
        "load_export(sys.argv[1])\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, exported[0]], check=True)


def test_every_endpoint_is_a_file_whose_size_and_difference_are_reported(exported):
    folder, written = exported
    assert [one.name for one in written] == ["translate_label", "classify"]
    for one in written:
        sizes = [file.stat().st_size for file in folder.glob(f"{one.name}.*")]
        assert one.path.exists() and one.bytes == sum(sizes)
        assert 0 <= one.difference.mean <= one.difference.largest <= 1e-4


def test_the_description_says_what_the_files_take_and_give(exported):
    about = json.loads((exported[0] / "model.json").read_text())
    rows = about["batch_size"]
    assert rows == (1 if about["format"] == "litert" else None)
    assert about["label_names"] == ["angry", "happy", "sad"]
    assert about["method"] == "StarGAN" and about["guides"] == ["label"]
    entry = about["endpoints"]["translate_label"]
    image = {"shape": [rows, SIZE, SIZE, 3], "dtype": "float32"}
    assert entry["inputs"] == [
        {"name": "images", **image},
        {"name": "labels", "shape": [rows, 3], "dtype": "float32"},
    ]
    assert entry["outputs"] == [{"name": "translated", **image}]
    assert set(entry["difference"]) == {"largest", "mean", "images"}


def test_wrong_inputs_are_an_error_that_names_the_right_ones(exported):
    endpoint = load_export(exported[0]).endpoints["translate_label"]
    with pytest.raises(ValueError, match="takes images, labels; received images"):
        endpoint(images=IMAGES)
    with pytest.raises(ValueError, match=r"labels must have the shape .*\[2, 3\]"):
        endpoint(images=IMAGES, labels=LABELS[:2])


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_images_may_have_any_size(model, format, tmp_path):
    export_model(model, tmp_path / "a", format, size=(None, None), verbose=0)
    endpoint = load_export(tmp_path / "a").endpoints["translate_label"]
    for shape in ((2, 24, 12, 3), (1, 8, 32, 3)):
        images = RNG.uniform(-1, 1, shape).astype("float32")
        labels = LABELS[: shape[0]]
        found = endpoint(images=images, labels=labels)["translated"]
        expected = model.translate(images, labels)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_size_may_be_fixed(model, tmp_path):
    export_model(model, tmp_path / "a", "litert", size=(12, 24), verbose=0)
    exported = load_export(tmp_path / "a")
    images = RNG.uniform(-1, 1, (1, 12, 24, 3)).astype("float32")
    found = exported.endpoints["translate_label"](images=images, labels=LABELS[:1])
    expected = model.translate(images, LABELS[:1])
    np.testing.assert_allclose(found["translated"], expected, atol=1e-4)


@pytest.mark.parametrize("format", ["onnx", "litert", "openvino"])
@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_lower_precisions_are_near_keras(model, format, precision, tmp_path):
    (one,) = export_model(
        model,
        tmp_path / "a",
        format,
        precision,
        representative=PICTURES,
        endpoints=["translate_label"],
        verbose=0,
    )
    assert 1e-5 < one.difference.mean < (0.002 if precision == "float16" else 0.05)


@pytest.fixture(scope="module")
def styled():
    """A model whose styles differ much, as after training."""
    model = tiny_v2.make_model()
    for weight in model.average_generator.weights:
        if "/dense/" in weight.path:
            weight.assign(20 * weight)
    return model


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_int8_leaves_what_depends_on_a_style_in_floats(styled, format, tmp_path):
    arguments = {"representative": PICTURES, "endpoints": ["translate_style"]}
    (one,) = export_model(
        styled, tmp_path / "a", format, "int8", verbose=0, **arguments
    )
    # With one range for all styles, it would be 0.1.
    assert one.difference.mean < 0.03


def test_an_export_that_loses_much_is_warned_of(model, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(writing, "MUCH", 1e-9)
    export_model(model, tmp_path / "a", "onnx", endpoints=["classify"])
    assert "Warning: classify.onnx loses much" in capsys.readouterr().out


def test_instance_normalization_is_one_operation_of_onnx(model, tmp_path):
    export_model(model, tmp_path / "a", "onnx", verbose=0)
    nodes = onnx.load(tmp_path / "a/translate_label.onnx").graph.node
    kinds = [node.op_type for node in nodes]
    # One after each convolution but the last.
    assert kinds.count("InstanceNormalization") == 7
    # The images come in and go out with channels last; nothing between does.
    assert kinds.count("Transpose") == 2


def test_latent_codes_and_domains_are_inputs_of_models_that_have_them(tmp_path):
    model = tiny_v2.make_model()
    names = ["style_from_latent", "translate_style"]
    export_model(model, tmp_path / "a", "onnx", endpoints=names, verbose=0)
    endpoints = load_export(tmp_path / "a").endpoints
    latents = RNG.standard_normal((3, 4)).astype("float32")
    domains = np.array([2, 0, 1], "int32")
    styles = endpoints["style_from_latent"](latents=latents, domains=domains)["styles"]
    expected = model.conditions(domains, latents=latents)
    np.testing.assert_allclose(styles, expected, atol=1e-5)
    found = endpoints["translate_style"](images=IMAGES, styles=styles)["translated"]
    expected = model.translate(IMAGES, conditions=expected)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_model_that_chooses_a_network_by_the_label_is_exported(tmp_path):
    keras.utils.set_random_seed(0)
    model = registry.load("cyclegan")(**registry.published("cyclegan").TINY)
    export_model(model, tmp_path / "a", "onnx", verbose=0)
    size = model.image_size
    images = RNG.uniform(-1, 1, (2, size, size, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")
    endpoint = load_export(tmp_path / "a").endpoints["translate_label"]
    given = {"images": images, "labels": labels, "own": labels[::-1]}
    names = model.endpoints()["translate_label"].inputs
    found = endpoint(**{name: given[name] for name in names})["translated"]
    expected = model.translate(images, labels, own=labels[::-1])
    np.testing.assert_allclose(found, expected, atol=1e-4)


# What is refused.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "onxx"}, "one of saved_model, onnx, litert, openvino"),
        ({"format": "onnx", "precision": "int4"}, "float32, float16, int8"),
        ({"format": "saved_model", "precision": "int8"}, "precisions float32;"),
        ({"format": "saved_model", "batch_size": 2}, "any number of images"),
        ({"format": "onnx", "precision": "int8"}, "needs representative pictures"),
        ({"format": "litert", "size": (None, None)}, "fixed height and width"),
        ({"format": "onnx", "size": (18, 16)}, "multiples of 4"),
        ({"format": "onnx", "batch_size": 0}, "at least 1; received 0"),
        ({"format": "onnx", "endpoints": ["translate"]}, "translate_label, classify"),
        ({"format": "onnx", "representative": IMAGES[0]}, r"\(n, height, width, 3\)"),
        ({"format": "onnx", "representative": 3 * IMAGES}, "from -1 to 1"),
    ],
)
def test_what_is_not_possible_is_refused(model, arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_model(model, tmp_path / "a", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_something_else_is_not_replaced(model, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="new or an earlier export"):
        export_model(model, tmp_path, "onnx")
    assert (tmp_path / "thesis.tex").exists()
    with pytest.raises(ValueError, match=r"has no model\.json"):
        load_export(tmp_path)


def test_an_export_that_differs_leaves_nothing_behind(model, monkeypatch, tmp_path):
    monkeypatch.setattr(writing, "TOLERANCE", 0.0)
    with pytest.raises(ValueError, match=r"translate_label of StarGAN .* differs"):
        export_model(model, tmp_path / "a", "litert")
    assert not list(tmp_path.iterdir())


class Odd(StarGAN):
    """A model with an operation that ONNX does not have."""

    def translate_batch(self, images, conditions):
        lowest = ops.argmax(images, axis=-1)[..., None]
        return images + ops.cast(lowest, images.dtype)


def test_what_a_format_lacks_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"translate_label of Odd .* onnx.*Bitcast"):
        export_model(small_model(Odd), tmp_path / "a", "onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("format", "package"),
    [
        ("onnx", "tf2onnx"),
        ("litert", "ai_edge_litert.interpreter"),
        ("openvino", "openvino"),
    ],
)
def test_a_package_that_is_missing_is_named(
    model, format, package, monkeypatch, tmp_path
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"pip install 'keras-stargan\[export\]'"):
        export_model(model, tmp_path / "a", format)


# The cost in quality.


def test_keras_and_the_export_are_evaluated_alike(model, tmp_path, monkeypatch):
    labels = np.tile(np.eye(3), (2, 1))
    images = RNG.integers(0, 256, (6, SIZE, SIZE, 3), "uint8")
    image_set = ImageSet(images, labels, LABEL_SET, np.arange(6) // 3, aligned=True)
    judge = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    monkeypatch.setattr(export_cost, "train_judge", lambda *_: judge)
    export_model(model, tmp_path / "a", "onnx", verbose=0)
    table = export_cost.evaluate_export(model, tmp_path / "a", image_set, image_set, 1)
    _, _, of_keras, of_export = table.splitlines()
    assert of_keras.startswith("| Keras |")
    assert of_export == of_keras.replace("Keras", "onnx, float32")
    assert (tmp_path / "a/evaluation.json").exists()


def test_attributes_are_columns_of_the_cost():
    figures = {"Keras": {"H": {"error_percent": 2.0}, "A": {"error_percent": 3.0}}}
    table = export_cost.cost_table(figures)
    assert table.splitlines()[0] == "|  | H: error, % | A: error, % |"
    assert table.splitlines()[2] == "| Keras | 2 | 3 |"


def test_only_models_that_a_label_guides_are_evaluated(tmp_path):
    with pytest.raises(ValueError, match="StarGANv2 is another one"):
        export_cost.check_evaluable(tiny_v2.make_model())
