"""Maps of names between PyTorch's entries and the weights of Keras' layers."""

import functools

import keras
import numpy as np
import pytest
import tiny_v2
import torch

import keras_stargan
from keras_stargan.files.pytorch import (
    assign_weights,
    check_weights,
    read_checkpoint,
    state_dict,
    weight_shapes,
    write_checkpoint,
)
from keras_stargan.methods import registry
from keras_stargan.methods.loading import load_model, load_published, save_published
from keras_stargan.methods.stargan.layers import ResidualBlock
from keras_stargan.methods.stargan_v2.configurations import DomainCode
from keras_stargan.methods.stargan_v2.layers import DomainDense
from keras_stargan.networks.weights import copy_weights, shapes_only
from keras_stargan.use.conversion import convert

RNG = np.random.default_rng(1)
METHODS = [
    name
    for name in registry.names()
    if hasattr(registry.published(name), "weight_files")
]
LAYERS = keras.layers
LAST = {"data_format": "channels_last"}
# By kind: a layer of Keras, and the same layer of PyTorch, for 4 channels.
KINDS = {
    "convolution": (LAYERS.Conv2D(5, (3, 2), **LAST), torch.nn.Conv2d(4, 5, (3, 2))),
    "transposed": (
        LAYERS.Conv2DTranspose(5, 3, strides=2, **LAST),
        torch.nn.ConvTranspose2d(4, 5, 3, stride=2),
    ),
    "depthwise": (
        LAYERS.DepthwiseConv2D(3, depth_multiplier=2, **LAST),
        torch.nn.Conv2d(4, 8, 3, groups=4),
    ),
    "batch normalization": (
        LAYERS.BatchNormalization(epsilon=1e-5),
        torch.nn.BatchNorm2d(4),
    ),
    "without bias": (
        LAYERS.Conv2D(5, 3, use_bias=False, **LAST),
        torch.nn.Conv2d(4, 5, 3, bias=False),
    ),
}


@pytest.fixture(scope="module", params=KINDS)
def alike(request):
    """A layer of Keras and one of PyTorch."""
    layer, published = KINDS[request.param]
    layer.build((None, 6, 7, 4))
    return layer, published.eval()


def test_a_layer_gives_what_pytorch_gives_with_its_entries(alike):
    layer, published = alike
    for weight in layer.weights:
        weight.assign(RNG.uniform(0.5, 1.5, weight.shape))
    state = state_dict({"0": layer})
    network = torch.nn.Sequential(published)
    network.load_state_dict({name: torch.tensor(x) for name, x in state.items()})
    images = RNG.normal(size=(2, 6, 7, 4)).astype("float32")
    with torch.no_grad():
        expected = network(torch.tensor(images).permute(0, 3, 1, 2))
    np.testing.assert_allclose(layer(images), expected.permute(0, 2, 3, 1), atol=1e-4)


def test_a_layer_takes_the_entries_of_pytorch(alike):
    layer, published = alike
    torch.nn.init.uniform_(published.weight)
    state = {f"0.{name}": x.numpy() for name, x in published.state_dict().items()}
    check_weights({"0": layer}, state, "a layer")
    assign_weights({"0": layer}, state)
    for name, value in state_dict({"0": layer}).items():
        np.testing.assert_array_equal(value, state[name], err_msg=name)


def test_layers_that_are_stacked_have_an_entry_each():
    layer = DomainDense(3, num_domains=2)
    layer.build((None, 4))
    names = {"a": (layer, 0), "b": (layer, 1)}
    assert weight_shapes(names)["b.weight"] == (3, 4)
    state = {
        name: RNG.normal(size=shape).astype("float32")
        for name, shape in weight_shapes(names).items()
    }
    assign_weights(names, state)
    inputs = RNG.normal(size=(1, 4)).astype("float32")
    expected = inputs @ state["b.weight"].T + state["b.bias"]
    np.testing.assert_allclose(layer(inputs)[:, 1], expected, atol=1e-5)


def test_a_block_must_be_given_by_its_parts():
    block = ResidualBlock(4, name="block1")
    block.build((None, 8, 8, 4))
    with pytest.raises(TypeError, match=r"block1 .*'main.9'.* made of"):
        weight_shapes({"main.9": block})


def test_entries_that_are_not_used_are_known():
    filter = np.ones(3, "float32")
    names = {"hpf.filter": filter, "old.running_mean": None, "relu": LAYERS.ReLU()}
    assert weight_shapes(names) == {}
    check_weights(names, {"old.running_mean": filter, "hpf.filter": 0 * filter}, "")
    assert list(state_dict(names)) == ["hpf.filter"]


def test_double_precision_is_kept_and_written_as_single(tmp_path):
    layer = LAYERS.Dense(2, use_bias=False, dtype="float64")
    layer.build((None, 1))
    values = np.array([[1 / 3], [2 / 3]])
    assign_weights({"0": layer}, {"0.weight": values})
    state = state_dict({"0": layer})
    np.testing.assert_array_equal(state["0.weight"], values)
    write_checkpoint(tmp_path / "no suffix", {"": state})
    found = read_checkpoint(tmp_path / "no suffix").networks[""]["0.weight"]
    np.testing.assert_array_equal(found, values.astype("float32"), strict=True)


# Files that are not to be trusted.


def test_a_small_file_makes_no_large_network(tmp_path):
    """A layer of these sizes would take 6 TB."""
    state = {"main.0.weight": torch.zeros(300_000, 4, 7, 7, dtype=torch.float16)}
    torch.save(state, tmp_path / "G.ckpt")
    with pytest.raises(ValueError, match=r"G.ckpt, read as StarGAN\(.*'main.1.weight'"):
        load_published(tmp_path / "G.ckpt", labels=keras_stargan.LabelSet(("a",)))


def test_a_small_file_makes_no_large_network_of_several_that_are_averaged(tmp_path):
    model = tiny_v2.make_model()
    save_published(model, tmp_path / "nets_ema.ckpt")
    states = read_checkpoint(tmp_path / "nets_ema.ckpt").networks
    # The next layer of the mapping network would take 4 TB.
    states["mapping_network"]["shared.0.weight"] = np.zeros((10**6, 4), "float32")
    write_checkpoint(tmp_path / "nets_ema.ckpt", states)
    with pytest.raises(ValueError, match=r"mapping_network, read as.*'shared.0.bias'"):
        load_published(tmp_path / "nets_ema.ckpt")


@pytest.mark.parametrize("names", [100, 2000])
def test_sizes_beyond_all_computers_are_refused(names, tmp_path):
    layers = {f"main.{2 * i}.weight": torch.zeros(1, 1) for i in range(names)}
    first = {"main.0.weight": torch.zeros(4, 3, 4, 4)}
    torch.save(
        layers | first | {"conv2.weight": torch.zeros(8, 1, 1, 1)}, tmp_path / "D.ckpt"
    )
    torch.save({"main.0.weight": torch.zeros(4, 11, 7, 7)}, tmp_path / "G.ckpt")
    with pytest.raises(ValueError, match="for image_size more than 16,777,216"):
        load_published(tmp_path / "G.ckpt", tmp_path / "D.ckpt")


def test_a_tensor_larger_than_what_is_stored_of_it_is_refused(tmp_path):
    torch.save({"main.0.weight": torch.zeros(1).expand(10**9)}, tmp_path / "G.ckpt")
    with pytest.raises(ValueError, match=r"G.ckpt.*'main.0.weight'.*only 4 bytes"):
        load_published(tmp_path / "G.ckpt")


def test_weights_of_no_method_are_named(tmp_path):
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other.pth.*stargan.*stargan_v2.*fc.weight"):
        load_published(tmp_path / "other.pth")


def test_networks_without_values_have_shapes_and_copy_nothing():
    def make():
        layers = [LAYERS.Dense(10**6, name=f"dense{i}") for i in range(3)]
        first, second = (
            keras.Sequential([keras.Input((10**6,)), *layers]) for _ in range(2)
        )
        copy_weights(first, second)
        return second

    assert shapes_only(make).get_layer("dense2").kernel.shape == (10**6, 10**6)
    # Nothing is left over for the next network.
    keras.Sequential([keras.Input((2,)), LAYERS.Dense(3)])


# Loading and conversion.


@functools.cache  # Each is made once.
def small_model(name):
    """A model with a method's settings for small drawings, all weights at random."""
    cls, small = registry.load(name), registry.published(name).SMALL
    names = [parameter.name for parameter in registry.describe(name).parameters]
    model = cls(**{key: value for key, value in small.items() if key in names})
    for network in networks_of(model).values():
        for weight in network.weights:
            weight.assign(RNG.uniform(-1, 1, weight.shape))
    return model


def networks_of(model):
    averages = [f"average_{name}" for name in model.averaged]
    return model.networks | {name: getattr(model, name) for name in averages}


@pytest.mark.parametrize("name", METHODS)
def test_every_weight_of_a_method_comes_back_from_its_published_files(name, tmp_path):
    model = small_model(name)
    paths = [tmp_path / file for file in registry.published(name).FILES]
    save_published(model, *paths)
    again = load_model(*paths, labels=model.labels, image_size=model.image_size)
    for network, expected in networks_of(model).items():
        found = networks_of(again)[network]
        for weight, other in zip(expected.weights, found.weights, strict=True):
            np.testing.assert_array_equal(weight, other, err_msg=weight.path)


@pytest.mark.parametrize("name", METHODS)
def test_a_methods_first_file_is_recognized_by_no_other_method(name, tmp_path):
    model = small_model(name)
    path = tmp_path / registry.published(name).FILES[0]
    save_published(model, path)
    file = read_checkpoint(path)
    assert [x for x in METHODS if registry.published(x).recognizes(file)] == [name]


def test_a_whole_model_needs_no_other_files(tmp_path):
    (tmp_path / "model.keras").touch()
    with pytest.raises(ValueError, match=r"model.keras holds a whole model.*D.ckpt"):
        load_model(tmp_path / "model.keras", "200000-D.ckpt")


def test_another_image_size_than_the_weights_tell_is_refused(tmp_path):
    save_published(tiny_v2.make_model(), tmp_path / "nets_ema.ckpt")
    with pytest.raises(ValueError, match="images of 16 px; received image_size=32"):
        load_published(tmp_path / "nets_ema.ckpt", image_size=32)


def test_too_many_files_are_refused(tmp_path):
    paths = [tmp_path / f"{i}.ckpt" for i in range(3)]
    with pytest.raises(ValueError, match=r"100000_nets_ema.ckpt, 100000_nets.ckpt.* 3"):
        save_published(tiny_v2.make_model(), *paths)


def test_stargan_v2_is_converted_there_and_back(tmp_path):
    model = tiny_v2.make_model()
    files = [tmp_path / "nets_ema.ckpt", tmp_path / "nets.ckpt"]
    again = [tmp_path / "again" / file.name for file in files]
    save_published(model, *files)
    convert(files, output=tmp_path / "model.keras")
    convert([tmp_path / "model.keras"], published=again)
    for file, other in zip(files, again, strict=True):
        expected, found = (read_checkpoint(x).networks for x in (file, other))
        assert list(found) == list(expected)
        for network, state in expected.items():
            for name, value in state.items():
                np.testing.assert_array_equal(found[network][name], value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Name an output"),
        ({"output": "model.h5"}, r"end with \.keras; received model.h5"),
        ({"output": "a.keras", "published": ["a.keras"]}, "a.keras .* written twice"),
        ({"saved_model": "."}, r"\. exists already"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_read(arguments, message):
    with pytest.raises(ValueError, match=message):
        convert(["nothing.keras"], **arguments)


def test_models_of_the_ablation_are_found_by_their_earlier_name():
    name = "keras_stargan_v2>DomainCode"
    assert keras.saving.get_registered_object(name) is DomainCode
    config = DomainCode(3).get_config()
    assert DomainCode.from_config(config).num_domains == 3
    assert "encoder" in config  # The caller's dictionary stays as it is.


def test_nothing_is_replaced_where_one_output_cannot_be(tmp_path):
    model, other = tmp_path / "model.keras", tmp_path / "thesis"
    model.write_text("mine")
    other.mkdir()
    (other / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="earlier SavedModel"):
        convert(["nothing.keras"], output=model, saved_model=other, overwrite=True)
    assert model.read_text() == "mine"
