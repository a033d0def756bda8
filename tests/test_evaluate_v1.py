"""The paper's evaluation from the command line, from flags to files."""

import json
import shutil

import numpy as np
import pytest
import recipe_modules
from PIL import Image

import keras_stargan
from keras_stargan.evaluation import build_classifier
from keras_stargan.experiments import evaluation
from keras_stargan.labels.published import EXPRESSIONS

RAFD = keras_stargan.LabelSet(EXPRESSIONS.names, name="RaFD")
FACES = keras_stargan.LabelSet(("Hat", "Male"), "binary", name="faces")


@pytest.fixture(scope="module")
def recipe():
    """With a classifier that starts faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "build_resnet18", build_classifier)
        yield recipe_modules.loaded("evaluate_v1")


@pytest.fixture(scope="module")
def evaluate(recipe):
    """Runs the recipe in this process."""

    return lambda *arguments: recipe.main(["--cache_dir=cache", *arguments])


def save_run(folder, *label_sets, **settings):
    """What a training leaves, untrained."""
    model = keras_stargan.StarGAN(
        image_size=16,
        labels=keras_stargan.LabelSpace(label_sets),
        conv_dim=8,
        num_residual_blocks=1,
        num_discriminator_layers=3,
    )
    folder.mkdir(parents=True)
    model.save(folder / "model.keras")
    (folder / "settings.json").write_text(json.dumps({"seed": 3, **settings}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of expressions and of attributes; a run on one, and one on both."""
    folder = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(0)

    def draw(*path):
        pixels = rng.integers(0, 255, (18, 18, 3), "uint8")
        folder.joinpath(*path).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder.joinpath(*path))

    for person in range(1, 5):
        for name in EXPRESSIONS.names:
            draw("rafd", f"Rafd090_{person:02d}_Caucasian_female_{name}_frontal.png")
    rows = ["file,Hat,Male", *(f"{i}.png,{i % 2},{i // 2 % 2}" for i in range(20))]
    for i in range(20):
        draw("faces", f"{i}.png")
    folder.joinpath("faces", "faces.csv").write_text("\n".join(rows))
    rafd, faces = "rafd:rafd", "csv:faces/faces.csv"
    save_run(folder / "runs" / "one", RAFD, data=[rafd])
    shutil.copy(folder / "runs" / "one" / "model.keras", folder / "alone.keras")
    # Attributes do not make it another RaFD.
    chosen = {"attributes": FACES.names, "test_images": 7}
    save_run(folder / "runs" / "both", FACES, RAFD, data=[faces, rafd], **chosen)
    return folder


@pytest.fixture(scope="module")
def evaluated(evaluate, folder):
    """The folder with both runs' evaluation, and one picture's translations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        models = "--model=runs/one", "--model=runs/both"
        evaluate(*models, "--pictures=1", "--classifier_steps=2")
    return folder / "runs" / "one" / "evaluation"


def rows(text):
    """The tables' cells, by the first column's."""
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {line[0].strip("| "): [cell.strip("| ") for cell in line] for line in lines}


def test_figures_are_of_each_data_set_and_model(evaluated):
    figures = json.loads((evaluated / "figures.json").read_text())
    rafd, faces = figures["data_sets"]
    assert rafd["labels"] == list(EXPRESSIONS.names)
    # One person of four, eight pictures, each to eight expressions.
    assert (rafd["training_pictures"], rafd["test_pictures"]) == (24, 8)
    assert set(rafd["models"]) == {"runs/one", "runs/both"}
    for model in rafd["models"].values():
        assert model["translations"]["translations"] == 64
    assert rafd["classifier"]["steps"] == 2
    (model,) = faces["models"].values()
    assert list(model["translations"]) == ["Hat", "G", "Hat+G"]
    assert faces["test_pictures"] == 2


def test_the_table_has_published_rows_beside_these(evaluated):
    text = (evaluated / "table.md").read_text()
    table, _ = text.split("\n| method | pictures | Hat, %")
    figures = json.loads((evaluated / "figures.json").read_text())["data_sets"][0]
    found = figures["models"]["runs/one"]
    error = found["translations"]["classification_error_percent"]
    count = found["generator_parameters"] + found["discriminator_parameters"]
    real = 100 - figures["classifier"]["accuracy_percent"]
    cells = rows(table)
    for row in (
        ["DIAT (published)", "RaFD, 128 px", "4.10", "52.6M x 7"],
        ["StarGAN (published)", "RaFD, 128 px", "2.12", "53.2M x 1"],
        ["runs/one", "RaFD, 16 px", f"{error:.2f}", f"{count / 1e6:.1f}M x 1"],
        ["real images", "RaFD, 16 px", f"{real:.2f}", ""],
    ):
        assert cells[row[0]] == row
    assert "runs/both" in cells


def test_the_table_of_attributes_has_a_column_for_each_combination(evaluated):
    lines = (evaluated / "table.md").read_text().splitlines()
    (header,) = (line for line in lines if "Hat+G, %" in line)
    assert header == "| method | pictures | Hat, % | G, % | Hat+G, % | parameters |"
    assert lines[-1].endswith("as it should. G: Male.")


def test_pictures_are_laid_out_for_the_preference_study(evaluated):
    pictures = evaluated / "pictures" / "1_RaFD"
    (name,) = (path.name for path in (pictures / "inputs").iterdir())
    for model in ("runs_one", "runs_both"):
        assert {path.name for path in (pictures / model).iterdir()} == {
            *EXPRESSIONS.names
        }
        assert Image.open(pictures / model / "happy" / name).size == (16, 16)


def test_an_earlier_evaluation_is_not_overwritten(
    evaluated, recipe, folder, monkeypatch
):
    monkeypatch.chdir(folder)
    before = (evaluated / "table.md").read_bytes()
    code, printed = recipe_modules.run_program(recipe.main, "--model=runs/one")
    assert code == 1
    assert "Error: runs/one/evaluation is not empty" in printed
    assert "Traceback" not in printed
    assert (evaluated / "table.md").read_bytes() == before


def test_an_earlier_evaluation_is_overwritten_where_told(
    evaluate, folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(folder)
    (tmp_path / "table.md").write_text("earlier")
    evaluate(
        "--model=runs/one/model.keras",
        "--data=rafd:rafd",
        f"--output_dir={tmp_path}",
        "--overwrite",
        "--classifier_steps=1",
        "--max_evaluated=2",
    )
    assert "runs/one/model.keras" in rows((tmp_path / "table.md").read_text())
    figures = json.loads((tmp_path / "figures.json").read_text())["data_sets"][0]
    (model,) = figures["models"].values()
    assert model["translations"]["images"] == 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["--model=runs/both", "--data=rafd:rafd"],
            r"trained on 2 data sets \(faces, RaFD\); received rafd:rafd\.",
        ),
        (
            ["--model=alone.keras"],
            r"trained on 1 data set \(RaFD\); received none\. Name each by --data",
        ),
        (
            ["--model=runs/one", "--data=csv:faces/faces.csv"],
            r"sad, surprised \(categorical\); csv:faces/faces.csv has Hat, Male",
        ),
        (["--model=runs/one"] * 2, "named twice: runs/one, runs/one"),
        (["--model=runs/none"], "There is no runs/none"),
    ],
)
def test_what_does_not_fit_is_refused(
    evaluate, folder, monkeypatch, arguments, message
):
    monkeypatch.chdir(folder)
    with pytest.raises(ValueError, match=message):
        evaluate("--output_dir=other", *arguments)
    assert not (folder / "other").exists()
