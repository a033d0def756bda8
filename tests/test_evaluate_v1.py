"""The paper's evaluation from the command line, from flags to files."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import keras_stargan
from keras_stargan.data.rafd import EXPRESSIONS

RECIPE = pathlib.Path(__file__).parents[1] / "recipes" / "evaluate_v1.py"
RAFD = keras_stargan.LabelSet(EXPRESSIONS.names, name="RaFD")
FACES = keras_stargan.LabelSet(("Hat", "Male"), "binary", name="faces")


def evaluate(*flags, cwd):
    process = subprocess.run(
        [sys.executable, str(RECIPE), "--cache_dir=cache", *flags],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return process.returncode, process.stdout


def save_run(folder, *label_sets, data):
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
    (folder / "settings.json").write_text(json.dumps({"data": data, "seed": 3}))


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
    save_run(folder / "runs" / "both", FACES, RAFD, data=[faces, rafd])
    return folder


@pytest.fixture(scope="module")
def evaluated(folder):
    """Both runs evaluated, with one picture's translations."""
    flags = ["--model=runs/one", "--model=runs/both", "--pictures=1"]
    flags += ["--classifier_steps=2", "--classifier_batch_size=4"]
    code, output = evaluate(*flags, cwd=folder)
    assert code == 0, output
    return folder / "runs" / "one" / "evaluation", output


def rows(text):
    """The tables' cells, by the first column's."""
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {line[0].strip("| "): [cell.strip("| ") for cell in line] for line in lines}


def test_figures_are_of_each_data_set_and_model(evaluated):
    figures = json.loads((evaluated[0] / "figures.json").read_text())
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
    folder, output = evaluated
    text = (folder / "table.md").read_text()
    assert text in output
    table, _ = text.split("\n| method | pictures | Hat, %")
    figures = json.loads((folder / "figures.json").read_text())["data_sets"][0]
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
    folder, _ = evaluated
    lines = (folder / "table.md").read_text().splitlines()
    (header,) = (line for line in lines if "Hat+G, %" in line)
    assert header == "| method | pictures | Hat, % | G, % | Hat+G, % | parameters |"
    assert lines[-1].endswith("Hat: Hat; G: Male.")


def test_pictures_are_laid_out_for_the_preference_study(evaluated):
    pictures = evaluated[0] / "pictures" / "1_RaFD"
    (name,) = (path.name for path in (pictures / "inputs").iterdir())
    for model in ("runs_one", "runs_both"):
        assert {path.name for path in (pictures / model).iterdir()} == {
            *EXPRESSIONS.names
        }
        assert Image.open(pictures / model / "happy" / name).size == (16, 16)


def test_an_earlier_evaluation_is_not_overwritten(evaluated, folder):
    before = (evaluated[0] / "table.md").read_bytes()
    code, output = evaluate("--model=runs/one", "--classifier_steps=1", cwd=folder)
    assert code == 1
    assert "runs/one/evaluation is not empty" in output.split("Error: ")[1]
    assert (evaluated[0] / "table.md").read_bytes() == before


@pytest.mark.parametrize(
    "flags, message",
    [
        (
            ["--model=runs/both", "--data=rafd:rafd"],
            "runs/both was trained on 2 data sets (faces, RaFD); received rafd:rafd.",
        ),
        (
            ["--model=runs/one/model.keras", "--data=csv:faces/faces.csv"],
            "neutral, sad, surprised (categorical); csv:faces/faces.csv has Hat, Male",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused(folder, flags, message):
    code, output = evaluate("--output_dir=other", *flags, cwd=folder)
    assert code == 1
    assert message in output.split("Error: ")[1] and "Traceback" not in output
    assert not (folder / "other").exists()
