"""The command `keras-stargan export`."""

import pytest

import keras_stargan
from keras_stargan import export
from keras_stargan.cli.export import COMMAND


@pytest.fixture
def written(monkeypatch):
    """What was exported: the files of the model, and the folder."""
    calls = []
    monkeypatch.setattr(keras_stargan, "load_model", lambda *files: files)
    monkeypatch.setattr(export, "export_saved_model", lambda *call: calls.append(call))
    return calls


@pytest.mark.parametrize("files", [("G.ckpt",), ("G.ckpt", "D.ckpt")])
def test_a_model_is_exported(written, files, tmp_path):
    names = ("model", "discriminator")
    flags = [f"--{name}={file}" for name, file in zip(names, files, strict=False)]
    COMMAND([*flags, f"--output_dir={tmp_path / 'new'}"])
    assert written == [(files, str(tmp_path / "new"))]


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
