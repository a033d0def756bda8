"""The recipe of StarGAN v2's ablation."""

import json

import pytest
import recipe_modules
import tiny_v2

from keras_stargan.evaluation import judges
from keras_stargan.training.checkpoints import model_file


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Pictures of two domains, laid out as CelebA-HQ's."""
    folder = tmp_path_factory.mktemp("faces")
    tiny_v2.write_pictures(folder, train=2, val=6, domains=("female", "male"))
    return folder


@pytest.fixture(scope="module")
def ablate(faces):
    """Runs the recipe in this process, eagerly, judged by who knows nothing."""

    recipe = recipe_modules.loaded("ablation_v2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            judges,
            "train_classifier",
            recipe_modules.untrained_classifier,
        )

        def ablate(work_dir, **given):
            given = {"data_dir": faces, "work_dir": work_dir, "steps": 1, **given}
            given = tiny_v2.FLAGS | given
            with recipe_modules.eagerly():
                recipe.main(recipe_modules.command_line(**given))

        yield ablate


def test_the_table_has_the_published_figures_and_ours(ablate, tmp_path):
    ablate(tmp_path, configurations="A,C")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures) == ["A", "C"]
    for found in figures.values():
        # Neither has more than one translation to a domain.
        guide = "labels" if "labels" in found else "latents"
        assert found[guide]["pixel_distance"] == 0
    rows = (tmp_path / "table.md").read_text().splitlines()
    assert rows[2].startswith("| A | baseline StarGAN | 98.4 |  |")
    assert rows[3].startswith("| C | + R1 and AdaIN | 80.5 |  |")
    shown = f"{figures['C']['latents']['frechet_distance']:.4g}"
    assert f" {shown} " in rows[3]

    # Started again for longer, each goes on, and the others' figures stay.
    ablate(tmp_path, configurations="C", steps=2)
    assert model_file(tmp_path / "C").name == "step-0000002.keras"
    again = json.loads((tmp_path / "figures.json").read_text())
    assert again["A"] == figures["A"] and again["C"]["steps"] == 2
    again_rows = (tmp_path / "table.md").read_text().splitlines()
    assert again_rows[2] == rows[2] and again_rows[3] != rows[3]


def test_what_cannot_be_trained_is_found_before_the_first_is(ablate, tmp_path):
    with pytest.raises(ValueError, match="w_hpf and fan go together"):
        ablate(tmp_path, configurations="A,C", w_hpf=1)
    assert not list(tmp_path.iterdir())


def test_an_unknown_configuration_is_an_error(ablate, tmp_path):
    with pytest.raises(ValueError, match="A, B, C, D, E, F; received G"):
        ablate(tmp_path, configurations="G")
