"""Translation of pictures of any size and shape, and of files."""

import os
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tiny_v2
from PIL import Image

import keras_stargan
from keras_stargan.files.pictures import crop_and_resize
from keras_stargan.images import from_uint8, to_uint8
from keras_stargan.labels import LabelSet, LabelSpace, Target
from keras_stargan.methods.loading import load_model
from keras_stargan.training.checkpoints import save_model
from keras_stargan.use.translation import (
    translate_files,
    translate_pictures,
)

RECIPE = pathlib.Path(__file__).parents[1] / "recipes" / "translate.py"
SIZE = 16
MOODS = LabelSet(("angry", "happy", "sad"), name="RaFD")
HAIR = ("Black_Hair", "Blond_Hair")
PEOPLE = LabelSet((*HAIR, "Male", "Young"), "binary", (HAIR,), name="CelebA")


class Model:
    """Translates by leaving pictures as they are, and notes what it is asked for."""

    image_size = SIZE
    size_multiple = 4
    guides = ("label",)
    needs_own = False
    can_classify = True

    def __init__(self, labels=MOODS, guess=None):
        self.labels = LabelSpace.of(labels)
        self.guess = guess
        self.batches = []
        self.shapes = []
        self.asked = []

    def translate(self, images, labels, batch_size):
        self.batches.append(len(images))
        self.shapes.append(images.shape[1:])
        self.asked += labels.tolist()
        return images

    def each_target(self):
        return Target.each(self.labels)

    def classify(self, images, batch_size):
        assert self.guess is not None, "nothing was to be guessed"
        return np.tile(np.float32(self.guess), (len(images), 1))


def noise(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), "uint8"))


def ramp(width, height):
    """Grey levels that rise from left to right and from top to bottom."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return Image.fromarray(np.stack([x * 2, y * 2, x + y], axis=-1).astype("uint8"))


def write(path, width=20, height=20, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise(width, height, seed).save(path)
    return path


def files_in(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


# Sizes and shapes.


@pytest.mark.parametrize("fit, crop", [("crop", "square"), ("face", "face")])
@pytest.mark.parametrize("shape", [(53, 31), (31, 53), (40, 40), (9, 7)])
def test_a_cropped_picture_is_prepared_as_in_training(fit, crop, shape):
    picture = noise(*shape)
    result = translate_pictures(Model(), [picture], "sad", fit)["sad"][0]
    np.testing.assert_array_equal(result, crop_and_resize(picture, SIZE, crop))


@pytest.mark.parametrize(
    "size, resized",
    [
        ((100, 50), (16, 8)),
        ((50, 100), (8, 16)),
        ((48, 48), (16, 16)),
        ((99, 2), (16, 1)),
    ],
)
def test_a_padded_picture_comes_back_whole_and_without_padding(size, resized):
    picture = ramp(*size)
    result = translate_pictures(Model(), [picture], "sad", "pad")["sad"][0]
    expected = picture.resize(resized, Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(result, expected)


def test_padding_mirrors_the_picture():
    class Looking(Model):
        def translate(self, images, labels, batch_size):
            self.seen = images[0]
            return images

    model = Looking()
    translate_pictures(model, [ramp(100, 50)], "sad", "pad")
    np.testing.assert_array_equal(model.seen[:4], model.seen[4:8][::-1])
    np.testing.assert_array_equal(model.seen[12:], model.seen[8:12][::-1])


@pytest.mark.parametrize(
    "fit, size", [("crop", (31, 31)), ("face", (29, 29)), ("pad", (53, 31))]
)
def test_original_size_is_that_of_what_was_taken(fit, size):
    picture = noise(53, 31)
    result = translate_pictures(Model(), [picture], "sad", fit, original_size=True)
    assert result["sad"][0].size == size


@pytest.mark.parametrize(
    ("fit", "given", "size"),
    [
        ("crop", (40, 30), (32, 16)),
        ("crop", (30, 40), (32, 16)),
        ("pad", (48, 16), (32, 11)),
        ("pad", (10, 40), (4, 16)),
    ],
)
def test_pictures_are_translated_at_another_size(fit, given, size):
    model = Model()
    (found,) = translate_pictures(
        model, [noise(*given)], "happy", fit=fit, size=(16, 32)
    )["happy"]
    assert found.size == size
    assert model.shapes == [(16, 32, 3)]


def test_a_crop_of_another_shape_is_the_middle():
    (found,) = translate_pictures(
        Model(), [noise(40, 30)], "happy", size=(8, 32), original_size=True
    )["happy"]
    assert found.size == (40, 10)
    (found,) = translate_pictures(Model(), [ramp(32, 16)], "happy", size=(8, 32))[
        "happy"
    ]
    np.testing.assert_array_equal(found, ramp(32, 16).crop((0, 4, 32, 12)))


def test_pictures_of_different_sizes_stay_in_order_through_batches():
    model = Model()
    pictures = [Image.new("RGB", (20 + i, 20), (i, i, i)) for i in range(5)]
    results = translate_pictures(model, pictures, ["sad", "angry"], batch_size=2)
    assert list(results) == ["sad", "angry"]
    for result in results.values():
        assert [np.asarray(picture)[0, 0, 0] for picture in result] == [0, 1, 2, 3, 4]
    assert model.batches == [2, 2, 2, 2, 1, 1]


def test_arrays_pass_as_pictures_too():
    picture = noise(40, 30)
    of_picture, of_array = translate_pictures(
        Model(), [picture, np.asarray(picture)], "sad"
    )["sad"]
    np.testing.assert_array_equal(of_picture, of_array)


@pytest.mark.parametrize(
    "picture, said",
    [
        (Image.new("I;16", (8, 8)), "mode I;16"),
        (np.zeros((8, 8, 3), "float32"), r"float32 of shape \(8, 8, 3\)"),
        (np.zeros((8, 8, 4), "uint8"), r"uint8 of shape \(8, 8, 4\)"),
        (np.zeros((8, 8), "uint8"), r"uint8 of shape \(8, 8\)"),
    ],
)
def test_other_kinds_of_pictures_are_refused(picture, said):
    with pytest.raises(ValueError, match=said):
        translate_pictures(Model(), [picture], "sad")


# Targets.


def test_without_targets_every_label_in_turn():
    model = Model()
    assert list(translate_pictures(model, [noise(16, 16)])) == list(MOODS.names)
    np.testing.assert_array_equal(model.asked, np.eye(3))


@pytest.mark.parametrize(
    "target, asked",
    [
        ("Blond_Hair", [0, 1, 0, 1]),
        ("Male", [1, 0, 1, 1]),
        ("-Young", [1, 0, 0, 0]),
        ("Blond_Hair, -Young", [0, 1, 0, 0]),
    ],
)
def test_what_a_target_does_not_name_stays_as_guessed(target, asked):
    model = Model(PEOPLE, guess=[1, 0, 0, 1])
    translate_pictures(model, [noise(16, 16)], target)
    assert model.asked == [asked]


def test_source_labels_take_the_place_of_guesses():
    model = Model(PEOPLE)
    translate_pictures(model, [noise(16, 16)], "-Young", source_labels=HAIR[:1])
    translate_pictures(model, [noise(16, 16)], "Male", source_labels=[])
    assert model.asked == [[1, 0, 0, 0], [0, 0, 1, 0]]


def test_without_targets_binary_labels_are_given_or_taken_away():
    model = Model(PEOPLE, guess=[1, 0, 0, 1])
    translate_pictures(model, [noise(16, 16)])
    assert model.asked == [[1, 0, 0, 1], [0, 1, 0, 1], [1, 0, 1, 1], [1, 0, 0, 0]]


def test_targets_of_a_joint_model_have_the_mask_of_their_data_set():
    model = Model(LabelSpace((PEOPLE, MOODS)), guess=[0, 1, 0, 0, 0, 0, 1])
    translate_pictures(model, [noise(16, 16)], ["Male", "happy"])
    assert model.asked == [
        [0, 1, 1, 0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1, 0, 0, 1],
    ]


def test_every_label_of_a_joint_model_starts_from_the_guess():
    model = Model(LabelSpace((MOODS, PEOPLE)), guess=[1, 0, 0, 1, 0, 0, 1])
    titles = list(translate_pictures(model, [noise(16, 16)]))
    assert titles == [*MOODS.names, *PEOPLE.names]
    assert model.asked[titles.index("Male")] == [0, 0, 0, 1, 0, 1, 1, 0, 1]


@pytest.mark.parametrize(
    "labels, targets, needed",
    [
        (MOODS, (), False),
        (PEOPLE, (), True),
        (PEOPLE, "Male", True),
        (PEOPLE, "Black_Hair,-Male,Young", False),
        (LabelSpace((PEOPLE, MOODS)), ["happy", "sad"], False),
        (LabelSpace((PEOPLE, MOODS)), ["happy", "Male"], True),
    ],
)
def test_own_labels_are_needed_where_a_target_leaves_some_open(labels, targets, needed):
    space = LabelSpace.of(labels)
    texts = [targets] if isinstance(targets, str) else targets
    parsed = [Target.parse(space, text) for text in texts] or Target.each(space)
    assert any(target.needs_own for target in parsed) is needed


def test_a_name_with_a_comma_in_it_is_one_target():
    model = Model(LabelSet(("calm, or so", "happy")))
    assert list(translate_pictures(model, [noise(16, 16)], "calm, or so")) == [
        "calm, or so"
    ]


# Files.


def test_outputs_lie_in_a_folder_for_each_target_with_a_grid(tmp_path):
    write(tmp_path / "in/b.png", 30, 20), write(tmp_path / "in/a.jpg")
    out = tmp_path / "out"
    written = translate_files(Model(), tmp_path / "in", ["sad", "angry"], out)
    assert [path.relative_to(out).as_posix() for path in written] == [
        "sad/a.png",
        "angry/a.png",
        "sad/b.png",
        "angry/b.png",
        "grid.png",
    ]
    assert files_in(out) == sorted(path.relative_to(out).as_posix() for path in written)
    expected = crop_and_resize(Image.open(tmp_path / "in/b.png"), SIZE, "square")
    np.testing.assert_array_equal(Image.open(out / "sad/b.png"), expected)
    # Two rows of three cells of 96 px, with margins and titles.
    assert Image.open(out / "grid.png").size == (4 + 3 * 100, 22 + 2 * 100)


def test_grid_shows_the_first_inputs_only(tmp_path, capsys):
    for i in range(34):
        write(tmp_path / f"in/{i:02}.png", 4, 4)
    model = Model()
    translate_files(model, tmp_path / "in", "sad", tmp_path / "out")
    assert model.batches == [16, 16, 2]
    assert Image.open(tmp_path / "out/grid.png").size[1] == 22 + 32 * 100
    assert "first 32 inputs" in capsys.readouterr().out


def test_padding_is_white_in_the_grid(tmp_path):
    path = tmp_path / "wide.png"
    Image.new("RGB", (40, 20)).save(path)
    translate_files(Model(), path, "sad", tmp_path / "out", fit="pad")
    cell = np.asarray(Image.open(tmp_path / "out/grid.png"))[22 : 22 + 96, 104:200]
    assert (cell[:24] == 255).all() and (cell[72:] == 255).all()
    assert (cell[24:72] == 0).all()


@pytest.mark.parametrize(
    "given, names",
    [
        (["in/a.png"], ["a"]),
        (["in/b/c.png", "in/a.png"], ["c", "a"]),
        (["in"], ["a", "b/c"]),
        (["in/*.png"], ["a"]),
        (["in/**/*.png"], ["a", "c"]),
        (["in/a[1].jpg"], ["a[1]"]),
        (["in/a.png", "in/*.png"], ["a"]),
    ],
)
def test_inputs_are_files_folders_and_globs(tmp_path, monkeypatch, given, names):
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.png", "in/b/c.png", "in/.hidden/d.png"):
        write(pathlib.Path(name))
    if "[1]" in given[0]:
        write(pathlib.Path(given[0]))
    pathlib.Path("in/notes.txt").write_text("not a picture")
    *written, _ = translate_files(Model(), given, "sad", "out")
    assert [path.as_posix() for path in written] == [f"out/sad/{n}.png" for n in names]


def test_outputs_in_the_input_folder_are_not_translated_again(tmp_path):
    write(tmp_path / "a.png")
    for targets in ("sad", "happy"):
        model = Model()
        translate_files(model, tmp_path, targets, tmp_path / "out", overwrite=True)
        assert model.batches == [1]


@pytest.mark.parametrize("given", ["nothing.png", "*.png", "empty"])
def test_inputs_that_are_not_there_are_named(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("empty").mkdir()
    with pytest.raises(ValueError, match=re.escape(repr(given))):
        translate_files(Model(), given, "sad", "out")


@pytest.mark.parametrize(
    "given", [["in"], ["in/a.png", "in/a.jpg"], ["in/a.png", "in/b/a.png"]]
)
def test_two_inputs_for_one_output_are_both_named(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.png", "in/a.jpg", "in/b/a.png"):
        write(pathlib.Path(name))
    with pytest.raises(ValueError, match=r"in/.*a\.\w+ and in/.*a\.\w+ .*a\.png"):
        translate_files(Model(), given, "sad", "out")
    assert not pathlib.Path("out").exists()


def test_nothing_is_overwritten_unless_told(tmp_path):
    paths = [write(tmp_path / name) for name in ("a.png", "b.png")]
    out = tmp_path / "out"
    translate_files(Model(), paths, "sad", out)
    before = {name: (out / name).read_bytes() for name in files_in(out)}
    write(paths[0], seed=1)
    model = Model()
    with pytest.raises(ValueError, match=r"sad/a\.png .*2 more.*overwrite"):
        translate_files(model, paths, ["happy", "sad"], out)
    assert model.batches == []
    assert {name: (out / name).read_bytes() for name in files_in(out)} == before
    translate_files(model, paths, "sad", out, overwrite=True)
    after = {name: (out / name).read_bytes() for name in files_in(out)}
    assert [name for name in before if before[name] != after[name]] == [
        "grid.png",
        "sad/a.png",
    ]


def test_an_input_is_never_overwritten(tmp_path):
    path = write(tmp_path / "sad/a.png")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"sad/a\.png is both input and output"):
        translate_files(Model(), path, "sad", tmp_path, overwrite=True)
    with pytest.raises(ValueError, match="both input and output"):
        translate_files(Model(), tmp_path, "happy", tmp_path, overwrite=True)
    assert files_in(tmp_path) == ["sad/a.png"] and path.read_bytes() == before


@pytest.mark.parametrize(
    "change, said",
    [
        ({"targets": ["sad", "hapy"]}, "hapy.*Did you mean happy"),
        ({"targets": ["sad", "sad"]}, "sad is given twice"),
        ({"targets": "sad,happy"}, "one of them"),
        ({"source_labels": ["Yung"]}, "Yung"),
        ({"fit": "squeeze"}, "crop, face, pad; received 'squeeze'"),
        ({"batch_size": 0}, "received 0"),
        ({"size": (16, 30)}, r"multiples of 4; received the size \(16, 30\)"),
        ({"size": (16, 32), "fit": "face"}, "16x32, fit must be crop or pad"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_read(tmp_path, change, said):
    arguments = {"inputs": tmp_path / "not there.png", "targets": "sad"} | change
    with pytest.raises(ValueError, match=said):
        translate_files(Model(), output_dir=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_unreadable_inputs_are_named_before_translating(tmp_path):
    for name in ("a", "c"):
        write(tmp_path / f"in/{name}.png")
    (tmp_path / "in/b.png").write_bytes(b"no picture")
    model = Model()
    with pytest.raises(ValueError, match=r"1 of 3 .*b\.png.*skip_unreadable"):
        translate_files(model, tmp_path / "in", "sad", tmp_path / "out")
    assert model.batches == [] and not (tmp_path / "out").exists()


def test_unreadable_inputs_can_be_left_out(tmp_path, capsys):
    write(tmp_path / "in/a.png")
    (tmp_path / "in/b.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    translate_files(Model(), tmp_path / "in", "sad", out, skip_unreadable=True)
    assert files_in(out) == ["grid.png", "sad/a.png"]
    assert re.search(r"Left out: 1 of 2 .*b\.png", capsys.readouterr().out)
    (tmp_path / "in/a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="2 of 2"):
        translate_files(
            Model(), tmp_path / "in", "happy", tmp_path / "out2", skip_unreadable=True
        )


def test_what_is_cut_off_or_padded_is_said(tmp_path, capsys):
    paths = [
        write(tmp_path / "wide.png", 40, 20),
        write(tmp_path / "tall1.png", 20, 30),
        write(tmp_path / "tall2.png", 20, 30),
    ]
    translate_files(Model(), paths, "sad", tmp_path / "crop")
    said = capsys.readouterr().out
    assert "wide.png, 40x20: cut off 10 px left, 10 px right; comes out 16x16" in said
    assert "2 pictures, 20x30: cut off 5 px at the top, 5 px at the bottom" in said
    translate_files(Model(), paths, "sad", tmp_path / "pad", fit="pad")
    said = capsys.readouterr().out
    assert "40x20: nothing cut off, mirrored at top and bottom" in said
    assert "comes out 16x8" in said


def test_guessing_is_said(tmp_path, capsys):
    path = write(tmp_path / "a.png")
    model = Model(PEOPLE, guess=[1, 0, 0, 1])
    translate_files(model, path, "Male", tmp_path / "guessed")
    assert "guessed" in capsys.readouterr().out
    translate_files(model, path, "Male", tmp_path / "said", source_labels=["Young"])
    assert "guessed" not in capsys.readouterr().out


def test_silence(tmp_path, capsys):
    translate_files(Model(), write(tmp_path / "a.png"), "sad", tmp_path, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "names, target, folder",
    [
        (("a/b", "c"), "a/b", "a_b"),
        (("..", "c"), "..", "_."),
        (("Blond_Hair", "Young"), "Blond_Hair, -Young", "Blond_Hair,-Young"),
        (("smile é", "c"), "smile é", "smile é"),
    ],
)
def test_targets_give_safe_names_of_folders(tmp_path, names, target, folder):
    model = Model(LabelSet(names, "binary"), guess=[0, 0])
    translate_files(model, write(tmp_path / "a.png"), target, tmp_path / "out")
    assert files_in(tmp_path / "out") == sorted(["grid.png", f"{folder}/a.png"])


def test_two_targets_for_one_folder_are_refused(tmp_path):
    model = Model(LabelSet(("a/b", "a:b")))
    with pytest.raises(ValueError, match="a/b and to a:b"):
        translate_files(model, write(tmp_path / "a.png"), (), tmp_path / "out")


# Models.


@pytest.fixture(scope="module")
def trained():
    return keras_stargan.StarGAN(
        SIZE,
        labels=PEOPLE,
        conv_dim=2,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )


def test_a_model_translates_pictures(trained):
    picture = noise(30, 20)
    titles = ["Blond_Hair", "-Young"]
    results = translate_pictures(trained, [picture], titles)
    image = np.float32(crop_and_resize(picture, SIZE, "square"))[None] / 127.5 - 1
    own = trained.classify(image)
    for title in titles:
        label = Target.parse(trained.labels, title).resolve(own)
        expected = (trained.translate(image, label)[0] + 1) * 127.5
        np.testing.assert_allclose(results[title][0], expected, atol=0.51)


def test_a_saved_model_knows_its_labels(trained, tmp_path):
    save_model(trained, tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").labels == trained.labels


@pytest.mark.parametrize(
    "files, taken",
    [
        (["checkpoints/step-0000010.keras", "model.keras"], "model.keras"),
        (
            # A run that was resumed after its end.
            ["model.keras", "checkpoints/step-0000020.keras"],
            "checkpoints/step-0000020.keras",
        ),
    ],
)
def test_the_newest_of_a_runs_models_is_taken(
    trained, tmp_path, monkeypatch, files, taken
):
    (tmp_path / "checkpoints").mkdir()
    for age, name in enumerate(files):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    loaded = []
    monkeypatch.setattr(
        "keras.saving.load_model", lambda path, **_: loaded.append(path) or trained
    )
    load_model(tmp_path)
    assert loaded == [tmp_path / taken]


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"neither model\.keras nor checkpoints"):
        load_model(tmp_path)


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"There is no .*nothing\.keras"):
        load_model(tmp_path / "nothing.keras")


def test_another_model_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="holds a Sequential"):
        load_model(tmp_path / "other.keras")


# The recipe.


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, RECIPE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )


def test_the_recipe_translates_and_says_plainly_what_is_wrong(trained, tmp_path):
    save_model(trained, tmp_path / "model.keras")
    picture, out = write(tmp_path / "a.png", 30, 20), tmp_path / "out"
    common = (f"--model={tmp_path}", picture, f"--output_dir={out}")
    right = start(
        *("--target=Male", *common, "--target=-Young,Blond_Hair", "--fit=pad"),
        "--size=16x32",
    )
    wrong = start("--target=Mal", *common)
    said, _ = right.communicate(timeout=300)
    assert right.returncode == 0, said
    assert files_in(out) == ["-Young,Blond_Hair/a.png", "Male/a.png", "grid.png"]
    assert "comes out 24x16" in said and "guessed" in said
    said, _ = wrong.communicate(timeout=300)
    assert wrong.returncode == 1 and "Traceback" not in said
    assert "Error: There is no label 'Mal'" in said


def test_a_generator_alone_cannot_guess_what_an_image_has(tmp_path):
    model = Model(PEOPLE)
    model.can_classify = False
    picture = write(tmp_path / "in" / "a.png")
    with pytest.raises(ValueError, match="generator alone cannot tell"):
        translate_files(model, picture, "Male", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# Styles.


@pytest.fixture(scope="module")
def styled():
    return tiny_v2.make_model()


def test_every_domain_in_the_style_of_a_seed(styled, tmp_path):
    write(tmp_path / "in/a.png")
    translate_files(styled, tmp_path / "in", (), tmp_path / "out")
    assert files_in(tmp_path / "out") == [
        "cat/a.png",
        "dog/a.png",
        "grid.png",
        "wild/a.png",
    ]


def test_a_file_for_each_seed(styled, tmp_path):
    path = write(tmp_path / "a.png", SIZE, SIZE)
    translate_files(styled, path, "dog", tmp_path / "out", seeds=(1, 5), psi=0.7)
    names = ["dog/a_seed1.png", "dog/a_seed5.png", "grid.png"]
    assert files_in(tmp_path / "out") == names
    image = from_uint8(np.asarray(Image.open(path))[None])
    for name, seed in zip(names, (1, 5), strict=False):
        expected = to_uint8(styled.translate(image, "dog", seed=seed, psi=0.7))[0]
        found = np.asarray(Image.open(tmp_path / "out" / name)).astype(int)
        assert np.abs(found - expected).max() <= 1


def test_a_file_for_each_reference(styled, tmp_path):
    path = write(tmp_path / "a.png", SIZE, SIZE)
    references = [write(tmp_path / f"of/{n}.png", SIZE, SIZE, n) for n in (7, 8)]
    out = tmp_path / "out"
    translate_files(styled, path, "cat", out, references=tmp_path / "of")
    assert files_in(out) == ["cat/a_7.png", "cat/a_8.png", "grid.png"]
    image, *references = (
        from_uint8(np.asarray(Image.open(p))[None]) for p in (path, *references)
    )
    expected = styled.translate(image, "cat", references=references[1])
    found = np.asarray(Image.open(out / "cat/a_8.png")).astype(int)
    assert np.abs(found - to_uint8(expected)[0]).max() <= 1


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"targets": "lion"}, "lion"),
        ({"targets": "dog", "seeds": (1, 1)}, "received 1, 1"),
        ({"targets": "dog", "references": ["no.png"]}, "no.png"),
    ],
)
def test_styles_that_cannot_be_are_refused(styled, tmp_path, arguments, said):
    path = write(tmp_path / "a.png")
    with pytest.raises(ValueError, match=said):
        translate_files(styled, path, output_dir=tmp_path / "out", **arguments)


def test_a_label_guided_model_takes_no_styles(tmp_path):
    path = write(tmp_path / "a.png")
    for given in ({"seeds": (1,)}, {"references": [path]}, {"psi": 0.5}):
        with pytest.raises(ValueError, match=r"guided by label|labels instead"):
            translate_files(Model(), path, "sad", tmp_path / "out", **given)
