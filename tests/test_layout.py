"""The layers of the house: arrows go down, and which rooms know of TensorFlow."""

import ast
import pathlib

import pytest

import keras_stargan

PACKAGE = pathlib.Path(keras_stargan.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
# From the roof to the ground; a room may import from its own floor and from below.
FLOORS = [
    {"cli"},
    {"demo", "experiments", "serving"},
    {"use", "evaluation", "export", "study", "faces"},
    {"methods"},
    {"training", "pretrained"},
    {"networks", "data"},
    {"images", "files"},
    {"labels"},
    {"losses"},
    {"cluster", "lazy", "presets", "version"},
]
FLOOR_OF = {
    room: floor for floor, rooms in enumerate(reversed(FLOORS)) for room in rooms
}
BACKEND_FREE = {"losses", "networks", "labels", "evaluation", "images", "pretrained"}
# What all methods share.
SHARED = ("base", "checks", "endpoints", "loading", "registry")
# Methods that build on others.
BUILDS_ON = {"msgan": ("drit",)}
# Of a method, these files are its mathematics.
MATHEMATICS = {"networks", "layers", "losses", "configurations"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_go_down(path):
    if path == PACKAGE / "__init__.py":
        return  # The package's face.
    for name in imports(path):
        if not name.startswith("keras_stargan."):
            continue
        other = name.split(".")[1]
        assert other in FLOOR_OF, f"{name} is no room"
        assert FLOOR_OF[other] <= FLOOR_OF[room_of(path)], name
        if room_of(path) == other == "methods":
            own = path.relative_to(PACKAGE).parts[1]
            allowed = (own, *SHARED, *BUILDS_ON.get(own, ()))
            shared = name.split(".")[2] in allowed
            assert shared or own == "stargan_v2", f"{name} is another method"


def knows_no_backend(path):
    if room_of(path) == "methods":
        return path.stem in MATHEMATICS
    return room_of(path) in BACKEND_FREE


@pytest.mark.parametrize("path", filter(knows_no_backend, MODULES), ids=name_of)
def test_mathematics_knows_keras_only(path):
    for name in imports(path):
        assert not name.startswith(("tensorflow", "keras_stargan.training")), name


def test_the_files_that_are_looked_at_are_there():
    names = {name_of(path) for path in MODULES if knows_no_backend(path)}
    assert {"methods/stargan/networks.py", "losses/adversarial.py"} <= names
