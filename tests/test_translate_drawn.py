"""`keras-stargan translate` without a picture: drawn ones that fit the model."""

import numpy as np
import pytest
from PIL import Image

import keras_stargan
from keras_stargan.cli import main
from keras_stargan.data import load_avatars, load_creatures
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.labels.published import EXPRESSIONS
from keras_stargan.training.checkpoints import save_model
from keras_stargan.use.drawn_pictures import drawn_pictures
from keras_stargan.use.translation import translate_files

SIZE = 16
DRAWN = [f"drawn/{i}.png" for i in range(1, 5)]


@pytest.fixture(scope="module")
def model():
    return keras_stargan.StarGAN(
        SIZE,
        labels=EXPRESSIONS,
        conv_dim=2,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )


def files_in(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


@pytest.mark.parametrize(
    "load, name",
    [
        (load_avatars, "expressions"),
        (load_avatars, "attributes"),
        (load_creatures, "species"),
        (load_creatures, "faces"),
    ],
)
def test_pictures_are_of_the_test_part_of_the_data_with_these_labels(load, name):
    _, test_set = load(name, SIZE, 1, 6)
    drawn = drawn_pictures(LabelSpace.of(test_set.label_set), SIZE)
    assert len(drawn) == 4 and len(np.unique(drawn.labels, axis=0)) >= 2
    known = {image.tobytes() for image in test_set.images}
    assert {image.tobytes() for image in drawn.images} <= known


def test_of_several_data_sets_one_that_can_be_drawn_is_taken():
    pets = LabelSet(("cat", "dog"), name="pets")
    drawn = drawn_pictures(LabelSpace((pets, EXPRESSIONS)), SIZE)
    assert drawn.label_set == EXPRESSIONS


def test_drawn_pictures_are_written_beside_their_translations(model, tmp_path, capsys):
    written = translate_files(model, None, "happy", tmp_path)
    names = [*DRAWN, "grid.png", *(f"happy/{i}.png" for i in range(1, 5))]
    assert files_in(tmp_path) == names
    assert written[-1] == tmp_path / "grid.png"
    expected = drawn_pictures(model.labels, SIZE).images
    for name, image in zip(DRAWN, expected, strict=True):
        np.testing.assert_array_equal(Image.open(tmp_path / name), image)
    assert f"{tmp_path / 'grid.png'}\n" in capsys.readouterr().out


def test_drawn_pictures_are_not_replaced_unless_told(model, tmp_path):
    (tmp_path / "drawn").mkdir()
    (tmp_path / DRAWN[0]).write_text("mine")
    with pytest.raises(ValueError, match=r"drawn/1\.png is there already"):
        translate_files(model, None, "happy", tmp_path)
    assert files_in(tmp_path) == DRAWN[:1]
    translate_files(model, None, "happy", tmp_path, overwrite=True, verbose=0)
    assert Image.open(tmp_path / DRAWN[0]).size == (SIZE, SIZE)


def test_nothing_is_drawn_for_a_wrong_target(model, tmp_path):
    with pytest.raises(ValueError, match="hapy"):
        translate_files(model, None, "hapy", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_input_at_all_is_not_a_wish_for_drawn_pictures(model, tmp_path):
    with pytest.raises(ValueError, match="Name the pictures"):
        translate_files(model, [], "happy", tmp_path / "out")


def test_the_command_draws_where_no_picture_is_named(
    model, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    save_model(model, "runs/v1_rafd/model.keras")
    assert main.main(["translate", "--target=sad"]) == 0
    assert files_in(tmp_path / "translated")[:4] == DRAWN
    said = capsys.readouterr().out
    assert "Model: runs/v1_rafd\n" in said and "translated/grid.png" in said


def test_the_command_says_that_other_labels_cannot_be_drawn(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    pets = LabelSet(("cat", "dog"))
    other = keras_stargan.StarGAN(
        SIZE,
        labels=pets,
        conv_dim=2,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )
    save_model(other, "other.keras")
    assert main.main(["translate", "--model=other.keras"]) == 1
    said = capsys.readouterr().err
    assert "cat, dog, which cannot be drawn" in said and "Name the pictures" in said
    assert files_in(tmp_path) == ["other.keras"]


def test_without_a_run_the_model_of_the_package_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    taken = []

    def load_model(name, *companions):
        taken.append(name)
        raise ValueError("enough")

    monkeypatch.setattr("keras_stargan.methods.loading.load_model", load_model)
    assert main.main(["translate", "--list_targets"]) == 1
    assert taken == ["avatars"]
