"""The command `keras-stargan export`."""

import numpy as np
import pytest

import keras_stargan
from keras_stargan import demo, export
from keras_stargan.cli.export import COMMAND
from keras_stargan.experiments import data_sources


class Model:
    """What the command asks a model for."""

    image_size = 16


@pytest.fixture
def written(monkeypatch):
    """What was exported: the files of the model, and the folder."""
    calls = []
    monkeypatch.setattr(keras_stargan, "load_model", lambda *files: files)
    monkeypatch.setattr(export, "export_saved_model", lambda *call: calls.append(call))
    return calls


@pytest.fixture
def files_of(monkeypatch):
    """The arguments of the exports to other formats, by the command's flags."""
    calls = []

    def export_files(model, output_dir, format, **settings):
        calls.append({"output_dir": output_dir, "format": format} | settings)

    monkeypatch.setattr(keras_stargan, "load_model", lambda *_: Model())
    monkeypatch.setattr(export, "export_model", export_files)

    def run(*flags):
        COMMAND(["--model=m.keras", "--output=served", *flags])
        return calls.pop()

    return run


@pytest.mark.parametrize("files", [("G.ckpt",), ("G.ckpt", "D.ckpt")])
def test_a_model_is_exported(written, files, tmp_path):
    names = ("model", "discriminator")
    flags = [f"--{name}={file}" for name, file in zip(names, files, strict=False)]
    COMMAND([*flags, f"--output_dir={tmp_path / 'new'}"])
    assert written == [(files, str(tmp_path / "new"))]


@pytest.mark.parametrize("warm", [True, False])
def test_missing_warmup_requests_are_said(warm, written, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(export, "export_saved_model", lambda *_: warm)
    COMMAND(["--model=m.keras", f"--output_dir={tmp_path / 'new'}"])
    assert ("keras-stargan[client]" in capsys.readouterr().out) != warm


def test_a_folder_that_exists_is_replaced_only_if_asked(written, tmp_path):
    arguments = ["--model=runs/mine", f"--output={tmp_path}"]
    with pytest.raises(ValueError, match="exists already; --overwrite replaces it"):
        COMMAND(arguments)
    COMMAND([*arguments, "--overwrite"])
    assert len(written) == 1


@pytest.mark.parametrize("missing", ["model", "output_dir"])
def test_what_is_missing_is_named(written, missing):
    given = {"model": "m.keras", "output_dir": "served"}
    del given[missing]
    with pytest.raises(ValueError, match=f"Give --{missing}"):
        COMMAND([f"--{name}={value}" for name, value in given.items()])


def test_a_format_gets_its_settings(files_of):
    assert files_of(
        "--format=onnx", "--precision=float16", "--batch_size=2", "--size=96x128"
    ) == {
        "output_dir": "served",
        "format": "onnx",
        "precision": "float16",
        "batch_size": 2,
        "size": (96, 128),
        "representative": None,
    }
    assert files_of("--format=openvino", "--size=any")["size"] == (None, None)


def test_representative_pictures_are_those_of_the_training_part(files_of, monkeypatch):
    class Part:
        images = np.arange(5)

        def sample_evenly(self, count):
            return [3, 1]

    def load(source, image_size):
        assert (source, image_size) == ("folders:pets", 16)
        return Part(), None

    monkeypatch.setattr(data_sources, "load_data", load)
    found = files_of(
        "--format=onnx", "--precision=int8", "--representative=folders:pets"
    )
    assert found["representative"].tolist() == [3, 1]


def test_a_page_is_written_by_the_demo(monkeypatch):
    calls = []
    monkeypatch.setattr(keras_stargan, "load_model", lambda *files: files)
    monkeypatch.setattr(demo, "write_demo", lambda *call: calls.append(call))
    COMMAND(["--model=m.keras", "--format=web", "--output=page"])
    assert calls == [(("m.keras",), "page")]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--precision=int8"], "saved_model has none of --precision"),
        (["--format=web", "--size=64x64"], "web has none of"),
        (["--format=onnx", "--precision=int8"], "needs representative pictures"),
        (["--format=onnx", "--size=64"], "such as 96x128, or any; received 64"),
        (["--format=litert", "--size=any"], "fixed height and width"),
        (["--format=onnx", "--evaluate"], "give --representative and no --size"),
        (["--format=tflite"], "saved_model, onnx, litert, openvino, web|tflite"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(files_of, flags, message):
    with pytest.raises(ValueError, match=message):
        files_of(*flags)
