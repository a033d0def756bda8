"""Runs: killed, interrupted, resumed; the recipe, from its flags to its files."""

import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import recipe_modules
from PIL import Image
from test_stargan import make_dataset, make_model, weights

import keras_stargan
from keras_stargan.data import load_rafd, training_dataset
from keras_stargan.files.work_dir import open_work_dir
from keras_stargan.labels.published import EXPRESSIONS
from keras_stargan.training.callbacks import HistoryFile, LearningRateSchedule
from keras_stargan.training.checkpoints import restore_checkpoint, save_checkpoint
from keras_stargan.training.runs import train

RECIPE = pathlib.Path(__file__).parents[1] / "recipes" / "train_v1_rafd.py"
STEPS, STEPS_PER_EPOCH, BATCH = 60, 5, 4
FLAGS = {
    "image_size": 16,
    "conv_dim": 4,
    "num_residual_blocks": 1,
    "num_discriminator_layers": 2,
    "batch_size": BATCH,
    "n_critic": 2,
    "steps": STEPS,
    "steps_per_epoch": STEPS_PER_EPOCH,
    "save_every": 2,
    "seed": 3,
}


@pytest.fixture(scope="module")
def rafd(tmp_path_factory):
    """Four people with eight expressions, as flat pictures under RaFD's names."""
    folder = tmp_path_factory.mktemp("rafd")
    rng = np.random.RandomState(0)
    for person in range(1, 5):
        for name in EXPRESSIONS.names:
            pixels = rng.randint(0, 255, (3, 3, 3), "uint8").repeat(8, 0).repeat(8, 1)
            file = f"Rafd090_{person:02d}_Caucasian_female_{name}_frontal.jpg"
            Image.fromarray(pixels).save(folder / file)
    return folder


def start(rafd, work_dir, **flags):
    flags = {**FLAGS, "data_dir": rafd, "work_dir": work_dir, **flags}
    command = [sys.executable, RECIPE, *(f"--{k}={v}" for k, v in flags.items())]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for_checkpoint(process, work_dir):
    deadline = time.time() + 120
    while not list(work_dir.glob("checkpoints/step-*.keras")):
        assert process.poll() is None, process.communicate()[0]
        assert time.time() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module")
def killed_and_resumed(rafd, tmp_path_factory):
    """A work_dir after a run killed by signal 9 and resumed to its end."""
    work_dir = tmp_path_factory.mktemp("runs") / "run"
    process = start(rafd, work_dir)
    wait_for_checkpoint(process, work_dir)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (work_dir / "model.keras").exists()
    # Its settings are the run's own: none of the other flags is given again.
    command = [sys.executable, RECIPE, f"--work_dir={work_dir}", "--resume"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return work_dir, output


def test_killed_run_goes_on_from_its_last_checkpoint(killed_and_resumed):
    _, output = killed_and_resumed
    resumed = int(output.split("Resumed at step ")[1].split(" ")[0])
    assert 10 <= resumed < STEPS and resumed % 10 == 0


@pytest.mark.usefixtures("graph_optimiser")  # As the killed program has it.
def test_killed_and_resumed_run_ends_as_one_never_stopped(
    killed_and_resumed, rafd, tmp_path
):
    work_dir, _ = killed_and_resumed
    settings = json.loads((work_dir / "settings.json").read_text())
    keras.utils.set_random_seed(3)
    train_set, _ = load_rafd(rafd, 16, seed=3)
    names = ("image_size", "conv_dim", "num_residual_blocks", "seed", "n_critic")
    model = keras_stargan.StarGAN(
        num_labels=8,
        num_discriminator_layers=2,
        **{name: settings[name] for name in names},
    )
    model.compile()
    train(
        model,
        lambda step: training_dataset(train_set, BATCH, 3, step),
        STEPS,
        STEPS_PER_EPOCH,
        tmp_path,
        settings,
        callbacks=[LearningRateSchedule(model, STEPS, STEPS_PER_EPOCH)],
    )
    other = keras.saving.load_model(work_dir / "model.keras")
    for a, b in zip(weights(model), weights(other), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_work_dir_holds_what_the_recipe_promises(killed_and_resumed):
    work_dir, _ = killed_and_resumed
    assert keras.saving.load_model(work_dir / "model.keras").global_step == STEPS
    assert (work_dir / "saved_model" / "saved_model.pb").is_file()
    assert list((work_dir / "logs").rglob("*tfevents*"))
    assert {path.name for path in (work_dir / "checkpoints").iterdir()} == {
        "step-0000050.keras",
        "step-0000060.keras",
    }
    for name in ("final.png", "step-0000010.png", "step-0000060.png"):
        # A source and eight expressions, at least 96 px each.
        assert Image.open(work_dir / "samples" / name).width > 9 * 96
    rows = (work_dir / "history.csv").read_text().splitlines()
    assert rows[0].startswith("step,D/cls,D/fake,D/gp,D/loss,D/real,G/cls")
    assert [int(row.split(",")[0]) for row in rows[1:]] == list(range(5, 61, 5))


def test_figures_are_of_every_test_picture_and_expression(killed_and_resumed):
    work_dir, _ = killed_and_resumed
    figures = json.loads((work_dir / "figures.json").read_text())
    assert (figures["people"], figures["images"], figures["translations"]) == (1, 8, 64)
    assert 0 <= figures["classification_error_percent"] <= 100
    assert figures["reconstruction_error"] > 0
    # Photographs have no true answers.
    assert "error_inside" not in figures


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_leaves_a_checkpoint_of_the_very_step(rafd, tmp_path, number):
    process = start(rafd, tmp_path / "run", steps=100000, save_every=1)
    wait_for_checkpoint(process, tmp_path / "run")
    process.send_signal(number)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Go on with --resume" in output
    step = int(output.split("Interrupted at step ")[1].split(";")[0])
    checkpoint = tmp_path / "run" / "checkpoints" / f"step-{step:07d}.keras"
    assert keras.saving.load_model(checkpoint).global_step == step


def test_recipe_refuses_without_a_traceback(tmp_path):
    process = start("nowhere", tmp_path / "run")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "nowhere" in output.split("Error: ")[1] and "Traceback" not in output


@pytest.mark.parametrize(
    "flags, message",
    [
        ({"image_size": 18}, "multiple of 4; received 18"),
        ({"epochs": 3}, "only one of steps and epochs"),
        ({"resume": "true"}, "resume needs an earlier run"),
        ({"batch_size": 99}, "batch_size must be in 1..24"),
    ],
)
def test_recipe_refuses_what_cannot_work(rafd, tmp_path, flags, message):
    given = {**FLAGS, "data_dir": rafd, "work_dir": tmp_path / "run", **flags}
    main = recipe_modules.loaded("train_v1_rafd").main
    with pytest.raises(ValueError, match=message):
        main(recipe_modules.command_line(**given))
    assert not (tmp_path / "run").exists()


def compiled(**kwargs):
    model = make_model(**kwargs)
    model.compile(run_eagerly=True)
    return model


def history_steps(work_dir):
    rows = (work_dir / "history.csv").read_text().split()
    return [int(row.split(",")[0]) for row in rows[1:]]


def test_broken_epoch_is_finished_first(tmp_path):
    def batches_from(step):
        return make_dataset(10, first=step)

    train(compiled(), batches_from, 3, 4, tmp_path, {})
    again = compiled()
    train(again, batches_from, 9, 4, tmp_path, {}, resume=True)
    assert again.global_step == 9
    assert history_steps(tmp_path) == [3, 4, 8, 9]


def test_what_comes_before_the_first_step_is_not_done_again(tmp_path):
    begun = []
    for steps in (1, 2):
        model = compiled()
        train(
            model,
            lambda step: make_dataset(10, first=step),
            steps,
            1,
            tmp_path,
            {},
            resume=True,
            begin=functools.partial(begun.append, steps),
        )
        assert model.global_step == steps
    assert begun == [1]


def test_history_has_no_step_twice_when_checkpoints_are_rarer(tmp_path):
    (tmp_path / "history.csv").write_text("step,D/loss\n1,0.5\n2,0.4\n3,0.3\n")
    model = compiled()
    model.step.assign(2)
    model.fit(
        make_dataset(1), callbacks=[HistoryFile(tmp_path / "history.csv")], verbose=0
    )
    assert history_steps(tmp_path) == [1, 2, 3]


def test_damaged_checkpoint_gives_way_to_the_one_before(tmp_path):
    model = compiled()
    for step in (1, 2):
        model.fit(make_dataset(1), verbose=0)
        last = save_checkpoint(model, tmp_path)
        assert last.name == f"step-000000{step}.keras"
    os.truncate(last, last.stat().st_size // 2)
    other = compiled()
    with pytest.warns(UserWarning, match="step-0000002.keras is damaged"):
        assert restore_checkpoint(other, tmp_path)
    assert other.global_step == 1
    assert not last.exists()


def test_checkpoint_of_other_settings_is_refused_naming_them(tmp_path):
    save_checkpoint(compiled(n_critic=2), tmp_path)
    with pytest.raises(ValueError, match="n_critic: 2 there, 5 now"):
        restore_checkpoint(compiled(n_critic=5), tmp_path)


def test_earlier_run_is_moved_aside(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "settings.json").write_text('{"seed": 1}')
    open_work_dir(tmp_path / "run", resume=False)
    assert os.listdir(tmp_path / "run") == []
    assert json.loads((tmp_path / "run.1" / "settings.json").read_text()) == {"seed": 1}
    assert str(tmp_path / "run.1") in capsys.readouterr().out


def test_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ValueError, match="other things than a run"):
        open_work_dir(tmp_path, resume=False)
    assert os.listdir(tmp_path) == ["thesis.tex"]
