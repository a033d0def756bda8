"""Checkpoints in the published code's format: read, written, refused."""

import os
import sys

import golden_inputs
import keras
import numpy as np
import pytest
import recipe_modules
import torch

import keras_stargan
from keras_stargan.files.pytorch import read_state_dict, weight_shapes
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.methods.loading import load_published, save_published
from keras_stargan.methods.stargan.published import weight_files

CELEBA = ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]
EXPRESSIONS = [
    "angry",
    "contemptuous",
    "disgusted",
    "fearful",
    "happy",
    "neutral",
    "sad",
    "surprised",
]


def golden(case):
    return np.load(golden_inputs.FOLDER / f"{case}.npz")


def states(case="v1_rafd"):
    """The weights of a golden file's fresh G and D by the published code's names."""
    figures = golden(case)
    return tuple(
        {
            key.removeprefix(f"{network}/"): torch.tensor(
                golden_inputs.weight(key, shape)
            )
            for key, shape in golden_inputs.weights(figures, network)
        }
        for network in ("G", "D")
    )


def random_states(**sizes):
    """Weights of the generator and the discriminator of a StarGAN of these sizes."""
    files = weight_files(keras_stargan.StarGAN(**sizes))
    return [
        {name: torch.rand(shape) for name, shape in weight_shapes(file[""]).items()}
        for file in files
    ]


def with_statistics(generator, value):
    """A generator's state with what the published normalisations keep besides."""
    state = {}
    for name, tensor in generator.items():
        state[name] = tensor
        if name.endswith("bias"):
            norm = name.removesuffix("bias")
            state[f"{norm}running_mean"] = torch.full_like(tensor, value)
            state[f"{norm}running_var"] = torch.full_like(tensor, value)
            state[f"{norm}num_batches_tracked"] = torch.tensor(7)
    return state


def write(folder, generator, discriminator, old_format=False):
    paths = folder / "200000-G.ckpt", folder / "200000-D.ckpt"
    for path, state in zip(paths, (generator, discriminator), strict=True):
        torch.save(state, path, _use_new_zipfile_serialization=not old_format)
    return paths


def assert_golden_forward_passes(model, case):
    figures = golden(case)
    images = golden_inputs.images(np.random.RandomState(11), 4, 32)
    fake = model.generator([images, figures["forward_label"]])
    source, logits = model.discriminator(images)
    for name, value in {
        "G": np.transpose(fake, (0, 3, 1, 2)),
        "D_src": np.transpose(source, (0, 3, 1, 2)),
        "D_cls": logits,
    }.items():
        np.testing.assert_allclose(
            value, figures[f"forward_{name}"], atol=1e-4, err_msg=name
        )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write(tmp_path_factory.mktemp("rafd"), *states())


@pytest.fixture(scope="module")
def models(files, tmp_path_factory):
    """A model from the weights of each golden file, one of them in the old format."""
    folder = tmp_path_factory.mktemp("celeba")
    celeba = write(folder, *states("v1_celeba"), old_format=True)
    both = write(tmp_path_factory.mktemp("both"), *states("v1_both"))
    return {
        "v1_rafd": load_published(*files),
        "v1_celeba": load_published(*celeba),
        "v1_both": load_published(*both),
    }


@pytest.fixture(scope="module")
def model(models):
    return models["v1_rafd"]


@pytest.mark.parametrize("case", ["v1_rafd", "v1_celeba", "v1_both"])
def test_converted_weights_give_the_golden_forward_passes(models, case):
    assert_golden_forward_passes(models[case], case)


@pytest.mark.parametrize(
    ("case", "sets"),
    [
        ("v1_celeba", [("CelebA", "binary", CELEBA)]),
        ("v1_rafd", [("RaFD", "categorical", EXPRESSIONS)]),
        (
            "v1_both",
            [("CelebA", "binary", CELEBA), ("RaFD", "categorical", EXPRESSIONS)],
        ),
    ],
)
def test_labels_are_the_published_ones_by_their_number(models, case, sets):
    label_sets = models[case].labels.sets
    assert [(s.name, s.kind, list(s.names)) for s in label_sets] == sets
    for label_set in label_sets:
        if label_set.name == "CelebA":
            assert label_set.exclusive == (tuple(CELEBA[:3]),)


def test_sizes_are_read_off_the_weights(model):
    assert (model.image_size, model.conv_dim) == (32, 8)
    assert (model.num_residual_blocks, model.num_discriminator_layers) == (2, 4)


def test_written_files_hold_exactly_what_was_read(model, tmp_path):
    paths = tmp_path / "G.ckpt", tmp_path / "D.ckpt"
    save_published(model, *paths)
    for path, given in zip(paths, states(), strict=True):
        written = torch.load(path, weights_only=True)
        for name, tensor in given.items():
            assert written[name].dtype == torch.float32
            assert torch.equal(written[name], tensor), name


def test_written_generators_have_the_entries_of_the_published_code(model, tmp_path):
    generator, discriminator = states()
    paths = tmp_path / "G.ckpt", tmp_path / "D.ckpt"
    save_published(model, *paths)
    written = torch.load(paths[0], weights_only=True)
    assert list(written) == list(with_statistics(generator, 0.0))
    assert list(torch.load(paths[1], weights_only=True)) == list(discriminator)
    # As in a new network.
    for name, tensor in written.items():
        if name.endswith("running_mean"):
            assert not tensor.any()
        elif name.endswith("running_var"):
            assert (tensor == 1).all()
        elif name.endswith("num_batches_tracked"):
            assert tensor.shape == () and tensor.dtype == torch.int64 and tensor == 0


def test_running_statistics_are_not_looked_at(tmp_path):
    generator, discriminator = states()
    generator = with_statistics(generator, float("nan"))
    model = load_published(*write(tmp_path, generator, discriminator))
    assert_golden_forward_passes(model, "v1_rafd")


def assert_read(path, expected):
    read = read_state_dict(path)
    assert list(read) == list(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(read[name], tensor.numpy(), strict=True)


@pytest.mark.parametrize("old_format", [False, True], ids=["new", "old"])
def test_both_formats_are_read(old_format, tmp_path):
    for path, state in zip(
        write(tmp_path, *states(), old_format), states(), strict=True
    ):
        assert_read(path, state)


def test_the_prefix_of_data_parallel_networks_is_left_out(tmp_path):
    _, state = states()
    torch.save({f"module.{n}": t for n, t in state.items()}, tmp_path / "D.ckpt")
    assert_read(tmp_path / "D.ckpt", state)


def test_parameters_that_learn_are_read_like_others(tmp_path):
    _, state = states()
    learning = {name: torch.nn.Parameter(tensor) for name, tensor in state.items()}
    torch.save(learning, tmp_path / "D.ckpt")
    assert_read(tmp_path / "D.ckpt", state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_types_become_float32(dtype, tmp_path):
    state = {name: tensor.to(dtype) for name, tensor in states()[1].items()}
    torch.save(state, tmp_path / "D.ckpt")
    assert_read(tmp_path / "D.ckpt", {n: t.float() for n, t in state.items()})


def spoil(state, fault, name):
    """A state with one fault in one entry."""
    state, tensor = dict(state), state.get(name)
    if fault == "missing":
        del state[name]
    else:
        state[name] = {
            "superfluous": torch.zeros(3),
            "cut": tensor if tensor is None else tensor[:-1],
            "flat": tensor if tensor is None else tensor.flatten(),
            "whole numbers": tensor if tensor is None else tensor.to(torch.int32),
            "infinite": tensor if tensor is None else tensor.double() * 1e300,
            "no tensor": [1.0, 2.0],
            "sparse": tensor if tensor is None else tensor.to_sparse(),
        }[fault]
    return state


FAULTS = [
    *(("missing", name) for name in ("main.0.weight", "main.1.bias")),
    *(("missing", name) for name in ("main.10.main.4.weight", "main.17.weight")),
    *(("superfluous", name) for name in ("main.0.bias", "main.99.weight", "conv1")),
    *(("cut", name) for name in ("main.0.weight", "main.1.bias", "main.11.weight")),
    *(("flat", name) for name in ("main.0.weight", "main.10.main.3.weight")),
    *((fault, "main.14.weight") for fault in ("whole numbers", "infinite", "sparse")),
    ("no tensor", "main.9.main.1.weight"),
]


@pytest.mark.parametrize(("fault", "name"), FAULTS)
def test_a_fault_in_a_generator_is_an_error_that_names_it(fault, name, tmp_path):
    generator, discriminator = states()
    paths = write(tmp_path, spoil(generator, fault, name), discriminator)
    with pytest.raises(ValueError, match=rf"200000-G\.ckpt.*'{name}'"):
        load_published(*paths)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("missing", "main.0.weight"),
        ("missing", "main.6.bias"),
        ("missing", "conv2.weight"),
        ("superfluous", "conv2.bias"),
        ("superfluous", "main.1.running_mean"),
        ("cut", "main.0.weight"),
        ("cut", "main.4.weight"),
        ("flat", "conv2.weight"),
        ("infinite", "conv1.weight"),
    ],
)
def test_a_fault_in_a_discriminator_is_an_error_that_names_it(fault, name, tmp_path):
    generator, discriminator = states()
    paths = write(tmp_path, generator, spoil(discriminator, fault, name))
    with pytest.raises(ValueError, match=rf"200000-D\.ckpt.*'{name}'"):
        load_published(*paths)


def test_many_faults_are_counted_and_the_first_named(tmp_path):
    generator, discriminator = states()
    only = {n: t for n, t in generator.items() if not n.endswith("bias")}
    paths = write(tmp_path, only, discriminator)
    with pytest.raises(ValueError, match=r"'main\.1\.bias'.* and 4 more faults"):
        load_published(*paths)


class Harmful:
    """Unpickled, it makes a file."""

    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("old_format", [False, True], ids=["new", "old"])
def test_other_objects_in_a_file_are_an_error_and_do_nothing(
    old_format, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    generator, discriminator = states()
    generator["main.0.weight"] = Harmful()
    paths = write(tmp_path, generator, discriminator, old_format)
    with pytest.raises(ValueError, match=r"200000-G\.ckpt is not a file of tensors"):
        load_published(*paths)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "cut, old", "a list"])
def test_a_file_of_another_kind_is_an_error_that_says_so(kind, files, tmp_path):
    path = tmp_path / "wrong.ckpt"
    if kind == "a list":
        torch.save(list(states()[0].values()), path)
    elif kind == "cut, old":
        torch.save(states()[0], path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes()[:-100])
    else:
        content = {"empty": b"", "text": b"<html>Not found</html>"}
        path.write_bytes(content.get(kind, files[0].read_bytes()[:-100]))
    with pytest.raises(ValueError, match=r"wrong\.ckpt .* tensors"):
        load_published(path)


def test_the_two_files_taken_for_each_other_are_an_error(files):
    with pytest.raises(ValueError, match=r"200000-D\.ckpt is not .* generator"):
        load_published(files[1], files[0])
    with pytest.raises(ValueError, match=r"200000-G\.ckpt is not .* discriminator"):
        load_published(files[0], files[0])


def test_no_such_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.ckpt"):
        load_published(tmp_path / "nothing.ckpt")


def test_networks_of_different_labels_are_an_error(files, tmp_path):
    celeba = write(tmp_path, *states("v1_celeba"))
    with pytest.raises(ValueError, match=r"number of labels of .* is 5, but 8"):
        load_published(files[0], celeba[1])


def test_networks_of_different_widths_are_an_error(files, tmp_path):
    path = tmp_path / "D.ckpt"
    _, discriminator = random_states(
        image_size=32, conv_dim=4, num_discriminator_layers=4
    )
    torch.save(discriminator, path)
    with pytest.raises(ValueError, match=r"conv_dim of .* is 4, but 8"):
        load_published(files[0], path)


def test_another_image_size_than_the_discriminators_is_an_error(files):
    with pytest.raises(ValueError, match=r"image_size of .* is 32, but 64"):
        load_published(*files, image_size=64)


def test_an_unknown_number_of_labels_must_be_told_what_they_mean(tmp_path):
    path = tmp_path / "G.ckpt"
    sizes = {"conv_dim": 4, "num_residual_blocks": 1, "num_discriminator_layers": 3}
    generator, _ = random_states(image_size=8, num_labels=2, **sizes)
    torch.save(generator, path)
    with pytest.raises(ValueError, match=r"labels of .*G\.ckpt must be given: .* 2"):
        load_published(path)
    labels = LabelSet(("glad", "sad"))
    model = load_published(path, labels=labels, image_size=8)
    assert model.labels == LabelSpace.of(labels)


def test_labels_of_another_number_are_an_error(files):
    with pytest.raises(ValueError, match=r"8 entries; the labels given have 2: a, b"):
        load_published(*files, labels=LabelSet(("a", "b")))


def test_without_its_discriminator_a_generator_is_the_same(files, model):
    alone = load_published(files[0], image_size=36)
    for weight, expected in zip(
        alone.generator.weights, model.generator.weights, strict=True
    ):
        np.testing.assert_array_equal(weight, expected)
    images = np.zeros((1, 36, 36, 3))
    assert alone.translate(images, np.eye(8)[:1]).shape == images.shape


def test_a_generator_alone_is_for_the_published_size(files):
    alone = load_published(files[0])
    assert (alone.image_size, alone.num_discriminator_layers) == (128, 6)


def test_a_generator_alone_needs_a_multiple_of_4(files):
    with pytest.raises(ValueError, match="multiple of 4; received 30"):
        load_published(files[0], image_size=30)


def test_without_pytorch_the_error_says_what_to_install(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-stargan\[torch\]'"):
        load_published(*files)


def test_a_file_that_cannot_be_written_leaves_the_earlier_one(
    model, tmp_path, monkeypatch
):
    path = tmp_path / "G.ckpt"
    path.write_bytes(b"earlier")

    def full(state, file):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space"):
        save_published(model, path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [
        ("G.ckpt", b"earlier")
    ]


@pytest.fixture(scope="module")
def convert():
    recipe = recipe_modules.loaded("convert_checkpoint")

    def convert(**flags):
        given = recipe_modules.command_line(**flags)
        return recipe_modules.run_program(recipe.main, *given)

    return convert


@pytest.fixture(scope="module")
def converted(convert, tmp_path_factory):
    """A folder with what the recipe made of a checkpoint, and what it printed."""
    folder = tmp_path_factory.mktemp("recipe")
    generator, discriminator = write(folder, *states("v1_celeba"))
    code, printed = convert(
        generator=generator,
        discriminator=discriminator,
        output=folder / "model.keras",
        saved_model=folder / "served" / "1",
        labels="Bald,Blond_Hair,Gray_Hair,Male,Smiling",
        label_kind="binary",
    )
    assert code == 0, printed
    return folder, printed


def test_the_recipe_makes_a_model_with_the_labels_given(converted):
    folder, _ = converted
    model = keras.saving.load_model(folder / "model.keras")
    assert_golden_forward_passes(model, "v1_celeba")
    (label_set,) = model.labels.sets
    assert label_set.names == ("Bald", "Blond_Hair", "Gray_Hair", "Male", "Smiling")
    assert label_set.exclusive == (("Blond_Hair", "Gray_Hair"),)


def test_the_recipe_exports_for_serving(converted):
    assert (converted[0] / "served" / "1" / "saved_model.pb").exists()


def test_the_recipe_says_what_it_read(converted):
    _, printed = converted
    generator, discriminator = states("v1_celeba")
    for state in (generator, discriminator):
        assert f"{sum(t.numel() for t in state.values()):,} parameters" in printed
    assert "32x32" in printed
    assert "Bald, Blond_Hair, Gray_Hair, Male, Smiling" in printed


def test_the_recipe_writes_checkpoints(convert, converted):
    folder, _ = converted
    paths = folder / "back" / "G.ckpt", folder / "back" / "D.ckpt"
    code, printed = convert(
        model=folder / "model.keras",
        generator_out=paths[0],
        discriminator_out=paths[1],
    )
    assert code == 0, printed
    for path, state in zip(paths, states("v1_celeba"), strict=True):
        written = torch.load(path, weights_only=True)
        assert all(torch.equal(written[name], state[name]) for name in state)


def test_the_recipe_does_not_overwrite_unless_told(convert, files, tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("mine")
    code, printed = convert(generator=files[0], output=path)
    assert code == 1
    assert printed.endswith(f"Error: {path} exists already; --overwrite replaces it.\n")
    assert path.read_text() == "mine"
