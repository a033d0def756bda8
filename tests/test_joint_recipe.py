"""The recipe of two data sets: from pictures as the real sets have them to figures."""

import json

import numpy as np
import pytest
import recipe_modules
from PIL import Image

import keras_stargan
from keras_stargan.data import ImageSet
from keras_stargan.data.readers.celeba import ATTRIBUTES
from keras_stargan.experiments import report
from keras_stargan.experiments import run as experiments_run
from keras_stargan.experiments.settings import choose
from keras_stargan.labels.published import EXPRESSIONS

HAIR = keras_stargan.LabelSet(("blond",), "binary", name="CelebA")
TINY = {
    "image_size": 16,
    "conv_dim": 2,
    "num_residual_blocks": 1,
    "num_discriminator_layers": 2,
    "batch_size": 4,
    "n_critic": 1,
    "steps": 4,
    "steps_per_epoch": 4,
    "max_evaluated": 4,
    "test_images": 3,
}


def save_picture(path, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 255, (3, 3, 3), "uint8").repeat(8, 0).repeat(8, 1)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    celeba, rafd = folder / "celeba", folder / "rafd"
    (celeba / "img_align_celeba").mkdir(parents=True)
    rafd.mkdir()
    lines = ["10", " ".join(ATTRIBUTES)]
    for number in range(1, 11):
        name = f"{number:06d}.jpg"
        save_picture(celeba / "img_align_celeba" / name, number)
        lines.append(f"{name}  1 -1 -1 {(-1) ** number:2d}  1")
    (celeba / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    for person in (1, 2):
        for name in EXPRESSIONS.names:
            file = f"Rafd090_{person:02d}_Caucasian_male_{name}_frontal.jpg"
            save_picture(rafd / file, person)
    return {"celeba_dir": celeba, "rafd_dir": rafd}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the recipe in this process, judged by a classifier that knows nothing."""
    monkeypatch.setattr(report, "train_classifier", recipe_modules.untrained_classifier)
    monkeypatch.setattr(experiments_run, "export_saved_model", lambda *_: None)
    main = recipe_modules.loaded("train_v1_celeba_rafd").main

    def run(**given):
        given = {**TINY, "work_dir": tmp_path / "run", **given}
        with recipe_modules.eagerly():
            main(recipe_modules.command_line(**given))
        return tmp_path / "run"

    return run


def test_one_run_gives_figures_of_both_sets_and_of_both_masks(run, folders):
    work_dir = run(**folders)
    model = keras_stargan.load_model(work_dir)
    assert model.labels.set_names == ("CelebA", "RaFD")
    assert model.global_step == 4
    figures = json.loads((work_dir / "figures.json").read_text())
    assert figures["CelebA"]["translations"] == 3 * 5
    assert figures["RaFD"]["translations"] == 4 * 8
    masks = figures["expressions_on_other_pictures"]
    assert masks["images"] == 3
    for which in ("right_mask", "wrong_mask"):
        assert list(masks[which]["by_expression"]) == list(EXPRESSIONS.names)
    # Two rows for each of three pictures, and titles.
    grid = Image.open(work_dir / "samples" / "masks.png")
    assert grid.height > 6 * 96 and grid.width > 9 * 96


def picture_set(label_set, count=8):
    rng = np.random.default_rng(0)
    return ImageSet(
        images=rng.integers(0, 255, (count, 16, 16, 3), "uint8"),
        labels=np.eye(len(label_set))[np.arange(count) % len(label_set)],
        label_set=label_set,
        subjects=np.arange(count),
    )


def evaluate(*label_sets, other=HAIR):
    """The figures of labels on other pictures, and the labels a model was asked for."""
    given = []

    class Model:
        labels = keras_stargan.LabelSpace(label_sets)

        def translate(self, images, labels):
            given.append(labels)
            return images

    parts = [(picture_set(label_set),) * 2 for label_set in label_sets]
    other = (picture_set(other),) * 2
    settings = {"max_evaluated": 2, "seed": 0}
    figures, _ = report.transfer_of(Model(), parts, other, settings)
    return figures["expressions_on_other_pictures"], given


def test_masks_are_those_of_the_expressions_and_of_the_other_set(run):
    _, given = evaluate(HAIR, EXPRESSIONS)
    for index, (right, wrong) in enumerate(zip(given[:8], given[8:], strict=True)):
        expression = np.eye(8)[index]
        np.testing.assert_array_equal(right, [[0, *expression, 0, 1]] * 2)
        np.testing.assert_array_equal(wrong, [[0, *expression, 1, 0]] * 2)


def test_expressions_alone_have_no_mask(run):
    figures, given = evaluate(EXPRESSIONS)
    assert list(figures) == ["images", "no_mask"]
    np.testing.assert_array_equal(np.concatenate(given)[::2], np.eye(8))


def test_one_of_the_two_folders_is_not_enough(run, folders):
    with pytest.raises(ValueError, match="both --celeba_dir and --rafd_dir"):
        run(rafd_dir=folders["rafd_dir"])


def test_labels_without_a_calm_face_show_on_pictures_without_true_answers(run):
    species = keras_stargan.LabelSet(("cat", "dog"))
    figures, given = evaluate(species, other=species)
    np.testing.assert_array_equal(np.concatenate(given)[::2], np.eye(2))
    assert "error_inside" not in figures["no_mask"]


def test_more_than_one_other_data_set_is_refused_before_any_is_loaded(tmp_path):
    data = ["avatars:attributes", "avatars:expressions"]
    settings = choose("stargan", {"data": data[:1], "other_data": data})
    with pytest.raises(ValueError, match="other_data is one data set"):
        experiments_run.run(settings, tmp_path / "run", resume=False)
    assert not (tmp_path / "run").exists()
