"""The layers of the house: which parts know of TensorFlow."""

import ast
import pathlib

import pytest

import keras_stargan

PACKAGE = pathlib.Path(keras_stargan.__file__).parent
BACKEND_FREE = [
    *PACKAGE.glob("layers/*.py"),
    *PACKAGE.glob("losses/*.py"),
    *PACKAGE.glob("models/*/*_networks.py"),
    *PACKAGE.glob("models/*/*_layers.py"),
    *PACKAGE.glob("models/*/*_heatmaps.py"),
    *PACKAGE.glob("models/*/*_configurations.py"),
    *PACKAGE.glob("models/*/*_losses.py"),
    *PACKAGE.glob("evaluation/*.py"),
    *PACKAGE.glob("labels/*.py"),
    PACKAGE / "images.py",
]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", BACKEND_FREE, ids=lambda path: path.name)
def test_networks_layers_and_losses_know_keras_only(path):
    for name in imports(path):
        assert not name.startswith(("tensorflow", "keras_stargan.training")), name


def test_the_files_that_are_looked_at_are_there():
    names = {path.name for path in BACKEND_FREE}
    assert {"stargan_networks.py", "stargan_losses.py", "stargan_layers.py"} <= names
