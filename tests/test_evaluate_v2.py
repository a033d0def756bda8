"""The recipe that evaluates a StarGAN v2."""

import json
from unittest import mock

import pytest
import recipe_modules
import tiny_v2

import keras_stargan
from keras_stargan import LabelSet
from keras_stargan.evaluation import judges
from keras_stargan.files.whole import write_json
from keras_stargan.training.checkpoints import save_model


@pytest.fixture(scope="module")
def recipe():
    return recipe_modules.loaded("evaluate_v2")


@pytest.fixture
def evaluate(recipe, monkeypatch):
    """Runs the recipe in this process, with a classifier that knows nothing."""

    monkeypatch.setattr(judges, "train_classifier", recipe_modules.untrained_classifier)

    return lambda **given: recipe.main(recipe_modules.command_line(**given))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder with an untrained model, and its data."""
    folder = tmp_path_factory.mktemp("runs")
    tiny_v2.write_pictures(folder / "pets", train=3, val=2)
    model = tiny_v2.make_model(domains=LabelSet(("cat", "dog")))
    (folder / "run").mkdir()
    save_model(model, folder / "run" / "model.keras")
    write_json(folder / "run" / "settings.json", {"data": [f"folders:{folder}/pets"]})
    return folder / "run"


def test_a_run_is_evaluated_on_its_data(evaluate, run, tmp_path):
    evaluate(model=run, output_dir=tmp_path / "found", num_translations=2)
    figures = json.loads((tmp_path / "found" / "figures.json").read_text())
    assert (figures["num_images"], figures["num_translations"]) == (4, 2)
    # Another network's figures go by other names than Inception's and LPIPS.
    text = (tmp_path / "found" / "table.md").read_text()
    assert "FID" not in text and "LPIPS" not in text and "published" not in text
    shown = f"{figures['latents']['frechet_distance']:.4g}"
    assert f"| latents | {shown} |" in text


def test_an_earlier_evaluation_is_not_overwritten(evaluate, run, tmp_path):
    (tmp_path / "table.md").write_text("mine")
    with pytest.raises(ValueError, match="--overwrite"):
        evaluate(model=run, output_dir=tmp_path)


def test_data_of_other_domains_is_refused_before_anything_is_trained(
    evaluate, recipe, run, monkeypatch, tmp_path
):
    tiny_v2.write_pictures(tmp_path, train=2, val=2, domains=("cat", "fox"))
    trained = mock.Mock()
    monkeypatch.setattr(judges, "train_classifier", trained)
    with pytest.raises(ValueError, match=r"domains cat, dog .*it is of cat, fox"):
        evaluate(model=run, data=f"folders:{tmp_path}", output_dir=tmp_path / "found")
    trained.assert_not_called()


def test_a_model_without_a_run_needs_data(evaluate, run, tmp_path):
    other = tmp_path / "elsewhere" / "model.keras"
    other.parent.mkdir()
    other.write_bytes((run / "model.keras").read_bytes())
    with pytest.raises(ValueError, match="name its data by --data"):
        evaluate(model=other)


def test_a_label_guided_model_can_be_measured_by_diversity(evaluate, run, tmp_path):
    labels = LabelSet(("cat", "dog"))
    small = {"conv_dim": 2, "num_residual_blocks": 1, "num_discriminator_layers": 2}
    model = keras_stargan.StarGAN(image_size=tiny_v2.SIZE, labels=labels, **small)
    save_model(model, tmp_path / "model.keras")
    data = json.loads((run / "settings.json").read_text())["data"][0]
    evaluate(model=tmp_path / "model.keras", data=data, num_translations=2)
    found = json.loads((tmp_path / "evaluation" / "figures.json").read_text())
    # A label has one translation only.
    assert found["labels"]["pixel_distance"] == 0
    assert "latents" not in found and "references" not in found
