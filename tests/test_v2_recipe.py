"""The recipes of StarGAN v2, from their flags to their files."""

import json

import keras
import numpy as np
import pytest
import recipe_modules
import tiny_v2
from PIL import Image

from keras_stargan.evaluation import judges
from keras_stargan.experiments import run as experiments_run


@pytest.fixture(scope="module")
def animals(tmp_path_factory):
    """Pictures laid out as AFHQ's, of two domains."""
    folder = tmp_path_factory.mktemp("afhq")
    tiny_v2.write_pictures(folder, train=3, val=6)
    return folder


@pytest.fixture(scope="module")
def run(animals):
    """Runs the recipe in this process, eagerly, judged by who knows nothing."""
    main = recipe_modules.loaded("train_v2_afhq").main
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judges, "train_classifier", recipe_modules.untrained_classifier)
        patch.setattr(experiments_run, "export_saved_model", lambda *_: None)

        def run(work_dir, has_figures=True, **given):
            given = {"data_dir": animals, "work_dir": work_dir, "steps": 3, **given}
            # With the paper's settings, else some follow from the number of steps.
            given = tiny_v2.FLAGS | {"steps_per_epoch": 2, "published": True} | given
            with pytest.MonkeyPatch.context() as quick, recipe_modules.eagerly():
                if not has_figures:
                    quick.setattr(experiments_run, "figures_of", lambda *_: {})
                main(recipe_modules.command_line(**given))

        yield run


@pytest.fixture(scope="module")
def unbroken(run, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp("runs") / "unbroken"
    run(work_dir)
    return work_dir


def test_a_run_leaves_grids_figures_and_a_model(unbroken):
    for name in ("reference", "latent_cat", "latent_dog"):
        for step in ("step-0000002", "step-0000003", "final"):
            grid = Image.open(unbroken / "samples" / name / f"{step}.png")
            # Six sources, half of twelve test pictures.
            assert grid.width > 6 * 96
    figures = json.loads((unbroken / "figures.json").read_text())
    assert (figures["num_images"], figures["num_translations"]) == (4, 10)
    assert figures["features"] == "the classifier of this run"
    for guide in ("latents", "references"):
        assert figures[guide]["pixel_distance"] > 0
        assert 0 <= figures[guide]["classification_error_percent"] <= 100
    model = keras.saving.load_model(unbroken / "model.keras")
    assert model.domains.names == ("cat", "dog")
    assert figures["generator_parameters"] == model.generator.count_params()


def test_a_resumed_run_ends_as_one_never_stopped(run, unbroken, tmp_path):
    run(tmp_path / "run", has_figures=False, steps=2)
    run(tmp_path / "run", has_figures=False, resume="true", steps=3)
    models = [
        keras.saving.load_model(folder / "model.keras")
        for folder in (unbroken, tmp_path / "run")
    ]
    assert [model.global_step for model in models] == [3, 3]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(a, b)


def test_too_few_test_pictures_give_a_model_without_figures(run, tmp_path, capsys):
    tiny_v2.write_pictures(tmp_path / "few", train=3, val=1)
    run(tmp_path / "run", data_dir=tmp_path / "few", steps=1)
    assert "two or more images of each domain" in capsys.readouterr().out
    assert (tmp_path / "run" / "model.keras").is_file()
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    assert "generator_parameters" in figures and "latents" not in figures


def test_the_high_pass_filter_needs_landmarks(run, tmp_path):
    with pytest.raises(ValueError, match="w_hpf=1 and fan=None"):
        run(tmp_path / "run", w_hpf=1)
    assert not (tmp_path / "run").exists()
