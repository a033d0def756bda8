"""Several workers: processes that train one model together, over the loopback."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
import worker_program
from PIL import Image
from worker_program import CASES, make_model, train, values_of

from keras_stargan.cluster import check_cluster, share, tf_config
from keras_stargan.experiments.launch import launch

PROGRAM = pathlib.Path(worker_program.__file__)
TINY = {
    "image_size": 16,
    "conv_dim": 4,
    "num_residual_blocks": 1,
    "num_discriminator_layers": 2,
    "n_critic": 1,
}


def start(*arguments):
    """Starts `keras-stargan launch`."""
    source = "import sys; from keras_stargan.cli.main import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", source, "launch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start_program(folder, workers):
    """Starts the workers of `worker_program`."""
    return start(f"--workers={workers}", "--", "python", PROGRAM, folder, workers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def alone(folder):
    """What one process leaves, which trains while two workers do; see `train`."""
    process = start_program(folder, 2)
    found = {}
    for name in CASES:
        model = make_model(name)
        found[name, 2] = values_of(model, train(model, name))
        if name == "stargan":
            found[name, 4] = values_of(model, train(model, name))
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return found


@pytest.fixture(scope="module")
def four(folder, alone):
    """Four workers, which go on where the two were."""
    process = start_program(folder, 4)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output


def assert_all_are(folder, name, workers, expected):
    for index in range(workers):
        with np.load(folder / f"{name}-{index}-of-{workers}.npz") as file:
            values = [file[key] for key in file.files]
        for value, correct in zip(values, expected, strict=True):
            np.testing.assert_allclose(value, correct, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_two_workers_do_what_one_does(folder, alone, name):
    assert_all_are(folder, name, 2, alone[name, 2])


def test_four_workers_go_on_where_two_were_also_if_one_has_no_image(
    folder, alone, four
):
    assert_all_are(folder, "stargan", 4, alone["stargan", 4])


def test_workers_that_do_not_agree_all_fail_instead_of_waiting(folder, four):
    for index in range(4):
        found = json.loads((folder / f"found-{index}-of-4.json").read_text())
        of_numbers, of_failure = found["errors"]
        assert "step is 0 in worker 0, 10 in worker 1, 20 in" in of_numbers
        expected = "no such file" if index == 3 else "Worker 3 could not read its file"
        assert expected in of_failure
        assert found["any"] == [True, False]


def worker_of(process, index):
    """The process number of a worker."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(children.read_text().split()[index])


def read_until(process, text):
    """Reads what is printed up to a line with a text; all of it."""
    lines = []
    while not lines or text not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], "".join(lines)
    return "".join(lines)


def test_a_killed_worker_is_started_again_and_a_signal_to_one_stops_all(tmp_path):
    rng, pictures, run = np.random.default_rng(0), tmp_path / "data", tmp_path / "run"
    for index in range(24):
        path = pictures / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), "uint8")).save(path)
    settings = TINY | {"batch_size": 3, "steps": 10_000, "steps_per_epoch": 1}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    flags += [f"--data=folders:{pictures}", f"--output_dir={run}"]
    process = start("--workers=2", "--restarts=1", "--", "train", "stargan", *flags)
    read_until(process, "Epoch 3/")
    os.kill(worker_of(process, 1), signal.SIGKILL)
    printed = read_until(process, "Resumed at step ")
    assert "Worker 1 was ended by SIGKILL." in printed
    resumed = int(printed.split("Resumed at step ")[1].split()[0])
    read_until(process, f"Epoch {resumed + 2}/")
    os.kill(worker_of(process, 1), signal.SIGTERM)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 130, printed
    stopped = int(printed.split("Interrupted at step ")[1].split(";")[0])
    assert stopped > resumed >= 2
    assert (run / "checkpoints" / f"step-{stopped:07d}.keras").is_file()
    rows = (run / "history.csv").read_text().splitlines()[1:]
    steps = [int(row.split(",")[0]) for row in rows]
    # Each step once, although some were lost and came again.
    assert steps == list(range(1, stopped + 1))


@pytest.mark.parametrize("rows, parts", [(5, 2), (3, 4), (6, 4), (1, 1)])
def test_shares_are_even_follow_each_other_and_leave_nothing_out(rows, parts):
    chosen = [range(rows)[share(rows, parts, i)] for i in range(parts)]
    assert [row for part in chosen for row in part] == list(range(rows))
    sizes = [len(part) for part in chosen]
    assert max(sizes) - min(sizes) <= 1 and sizes[0] >= sizes[-1]


@pytest.mark.parametrize(
    "text, message",
    [
        (None, "needs the environment variable TF_CONFIG"),
        ("{", "TF_CONFIG is '{'"),
        (tf_config(["a:1", "b:1"], 2), "this is worker 2, but names 2"),
        (tf_config(["a:1"], 0).replace("worker", "ps"), "jobs of the type ps"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        check_cluster({"TF_CONFIG": text} if text else {})


# Launch: the processes, without TensorFlow.


def launched(capfd, source, workers=2, **options):
    """Launches Python code; the exit status and the lines that it prints."""
    status = launch([sys.executable, "-c", source], workers, **options)
    return status, capfd.readouterr().out.splitlines()


def test_workers_know_each_other_and_share_the_gpus(capfd, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,2,4,5")
    source = "import os; print(os.environ['TF_CONFIG'], os.environ[{!r}], sep='|')"
    status, lines = launched(capfd, source.format("CUDA_VISIBLE_DEVICES"))
    clusters = []
    for index, line in enumerate(sorted(lines)):
        prefix, _, content = line.partition(" ")
        config, gpus = content.split("|")
        assert (prefix, gpus) == (f"[{index}]", ["0,2", "4,5"][index])
        assert json.loads(config)["task"] == {"type": "worker", "index": index}
        clusters.append(json.loads(config)["cluster"]["worker"])
    assert status == 0 and clusters[0] == clusters[1] and len(set(clusters[0])) == 2


def test_more_workers_than_gpus_are_refused(capfd, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(ValueError, match="2 workers need a GPU each; there are 1"):
        launched(capfd, "")


# Worker 1 does something, while worker 0 would take forever.
SECOND = "import json, os, signal, sys, time\n" + (
    "index = json.loads(os.environ['TF_CONFIG'])['task']['index']\n"
    "time.sleep(600 * (1 - index))\n"
)


@pytest.mark.parametrize(
    "action, status, said",
    [
        ("sys.exit(3)", 3, "Worker 1 failed with exit status 3."),
        ("os.kill(os.getpid(), 9)", 137, "Worker 1 was ended by SIGKILL."),
    ],
)
def test_one_that_fails_ends_all(capfd, monkeypatch, action, status, said):
    monkeypatch.setattr("keras_stargan.experiments.launch._GRACE", 0.1)
    found, lines = launched(capfd, SECOND + action)
    assert found == status and said in lines


@pytest.mark.parametrize("begins", [True, False])
def test_all_are_started_again_with_resume_if_the_run_had_begun(
    capfd, tmp_path, begins
):
    source = f"""
import pathlib, sys
print(sys.argv[1:])
if {begins}:
    pathlib.Path({str(tmp_path)!r}, "settings.json").touch()
sys.exit(1)
"""
    (tmp_path / "settings.json").touch()  # Of an earlier run.
    status, lines = launched(capfd, source, 1, restarts=2, work_dir=tmp_path)
    tries = [line for line in lines if line.startswith("[0]")]
    again = ["[0] ['--resume']"] * 2 if begins else []
    assert status == 1 and tries == ["[0] []", *again]


def test_a_signal_is_passed_on_to_all_and_nothing_is_started_again(tmp_path):
    worker = f"""
import os, pathlib, signal, sys, time
folder = pathlib.Path({str(tmp_path)!r})
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
(folder / "settings.json").touch()
(folder / str(os.getpid())).touch()
if len(list(folder.iterdir())) == 3:
    os.kill(os.getppid(), signal.SIGTERM)
time.sleep(600)
"""
    # Not in this process: a signal to it, with all that the tests before have left, has
    # ended it by SIGSEGV.
    launcher = f"""
import signal, sys
from keras_stargan.experiments.launch import launch
status = launch([sys.executable, "-c", {worker!r}], 2, 1, {str(tmp_path)!r})
print(status, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    done = subprocess.run(
        [sys.executable, "-c", launcher], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("130 True\n", "")
