"""The recipe of StarGAN v2's ablation."""

import json

import numpy as np
import pytest
import recipe_modules
from PIL import Image

from keras_stargan import evaluation
from keras_stargan.training.checkpoints import model_file

TINY = {
    "image_size": 16,
    "base_dim": 4,
    "max_dim": 4,
    "hidden_dim": 4,
    "batch_size": 2,
    "steps": 1,
    "steps_per_epoch": 1,
    "save_every": 1,
    "max_evaluated": 4,
}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Pictures of two domains, laid out as CelebA-HQ's."""
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(0)
    for part, count in (("train", 2), ("val", 6)):
        for domain in ("female", "male"):
            (folder / part / domain).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (16, 16, 3), "uint8")
                path = folder / part / domain / f"{number}.png"
                Image.fromarray(pixels).save(path)
    return folder


@pytest.fixture(scope="module")
def ablate(faces):
    """Runs the recipe in this process, eagerly, judged by who knows nothing."""

    def quick(image_set, **_):
        return evaluation.build_classifier(16, image_set.label_set)

    with (
        recipe_modules.imported("ablation_v2") as recipe,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(recipe, "train_classifier", quick)

        def ablate(work_dir, **given):
            given = {**TINY, "data_dir": faces, "work_dir": work_dir, **given}
            with recipe_modules.eagerly(), recipe_modules.parsed(**given):
                recipe.main(["ablation_v2"])

        yield ablate


def test_the_table_has_the_published_figures_and_ours(ablate, tmp_path):
    ablate(tmp_path, configurations="A,C")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures) == ["A", "C"]
    for found in figures.values():
        # Neither has more than one translation to a domain.
        assert found["latents"]["pixel_distance"] == 0
    rows = (tmp_path / "table.md").read_text().splitlines()
    assert rows[2].startswith("| A | baseline StarGAN | 98.4 |  |")
    assert rows[3].startswith("| C | + R1 and AdaIN | 80.5 |  |")
    shown = f"{figures['C']['latents']['frechet_distance']:.4g}"
    assert f" {shown} " in rows[3]

    # Started again for longer, each goes on.
    ablate(tmp_path, configurations="C", steps=2)
    assert model_file(tmp_path / "C").name == "step-0000002.keras"


def test_an_unknown_configuration_is_an_error(ablate, tmp_path):
    with pytest.raises(ValueError, match="A, B, C, D, E, F; received G"):
        ablate(tmp_path, configurations="G")
