"""Methods are found, and described without being imported."""

import inspect
import subprocess
import sys

import keras
import pytest

import keras_stargan
from keras_stargan.methods import registry


def test_methods_are_the_folders_that_define_a_model():
    assert {"stargan", "stargan_v2"} <= set(registry.names())
    assert registry.class_names()["StarGANv2"] == "stargan_v2"


@pytest.mark.parametrize("name", registry.names())
def test_a_description_agrees_with_the_constructor(name):
    model = registry.load(name)
    assert issubclass(model, keras.Model)
    assert getattr(keras_stargan, model.__name__) is model
    described = registry.describe(name)
    assert described.class_name == model.__name__
    assert described.title and described.summary
    parameters = {parameter.name: parameter for parameter in described.parameters}
    signature = inspect.signature(model.__init__).parameters.values()
    for parameter in signature:
        rest = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.name == "self" or parameter.kind in rest:
            continue
        default = parameters[parameter.name].default
        assert default == parameter.default, parameter.name
        assert parameters[parameter.name].help, parameter.name


def test_helps_are_those_of_the_docstring():
    parameters = registry.describe("stargan").parameters
    conv_dim = next(each for each in parameters if each.name == "conv_dim")
    assert conv_dim.annotation == "int"
    assert conv_dim.help == "channels of both networks' first layers."


def test_an_unknown_method_is_an_error_that_names_the_nearest():
    with pytest.raises(
        ValueError, match=r"no method 'StarGan'.*Did you mean stargan\?"
    ):
        registry.load("StarGan")


def write_method(folder, source, base=""):
    (folder / "other").mkdir()
    (folder / "other" / "other.py").write_text(source)
    (folder / "base.py").write_text(base)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Methods are looked for in another folder."""
    monkeypatch.setattr(registry, "_FOLDER", tmp_path)
    monkeypatch.setattr(registry, "_BASE_FILE", tmp_path / "base.py")
    return tmp_path


def test_what_the_base_class_defines_is_described_too(elsewhere):
    base = '''
class TranslationModel:
    """All."""

    def __init__(self, seed: int = 0): ...

    def make_optimizers(self, learning_rate: float = 1e-4):
        """Makes them.

        Args:
            learning_rate: of all. Defaults to 1e-4.
        """
'''
    source = '''"""Other (Somebody, 2020). More."""
class Other(base.TranslationModel):
    """It does this. And that.

    Args:
        size: of it.
        seed: mine. Defaults to another one.
        decay: how much
            is kept. Defaults to 0.5 (or 1). Not more.
    """

    def __init__(
        self, size: int, seed: int | None = None, *, decay: float = 0.5, **kwargs
    ): ...
'''
    write_method(elsewhere, source, base)
    described = registry.describe("other")
    assert described.title == "Other (Somebody, 2020)."
    assert described.summary == "It does this."
    assert described.parameters == (
        ("size", "int", None, "of it."),
        ("seed", "int | None", None, "mine. Defaults to another one."),
        ("decay", "float", 0.5, "how much is kept. Not more."),
    )
    assert described.optimizer_parameters == (
        ("learning_rate", "float", 1e-4, "of all."),
    )


SOURCE = '''"""Other (Somebody, 2020)."""
class Other(TranslationModel):
    """It does this.

    Args:
        size: of it.
        decay: how much is kept.
    """

    def __init__(self, size: int = 1, decay: float = 0.5, **kwargs): ...
'''


@pytest.mark.parametrize(
    "constructor, expected",
    [
        ("pass", {"size": (1, "of it."), "decay": (0.5, "how much is kept.")}),
        (
            "def __init__(self, *args, decay: float = 0.9, **kwargs): ...",
            {"size": (1, "of it."), "decay": (0.9, "how much goes.")},
        ),
        (
            "def __init__(self, decay: float = 0.9, **kwargs): ...",
            {"decay": (0.9, "how much goes.")},
        ),
    ],
)
def test_a_method_that_extends_another_has_its_parameters(
    elsewhere, constructor, expected
):
    write_method(elsewhere, SOURCE)
    (elsewhere / "third").mkdir()
    (elsewhere / "third" / "third.py").write_text(f'''"""Third."""
class Third(Other):
    """It does that.

    Args:
        decay: how much goes.
    """

    {constructor}
''')
    parameters = registry.describe("third").parameters
    assert {p.name: (p.default, p.help) for p in parameters} == expected


def test_a_folder_without_its_class_is_an_error(elsewhere):
    write_method(elsewhere, "class Another: ...")
    with pytest.raises(TypeError, match=r"other\.py must define a class named other"):
        registry.describe("other")


def test_saved_models_load_in_either_order_of_import(tmp_path):
    model = keras_stargan.StarGAN(16, 2, conv_dim=2, num_discriminator_layers=2)
    model.save(tmp_path / "model.keras")
    source = f"""
import sys
import keras_stargan
heavy = {{"keras", "numpy", "tensorflow"}} & set(sys.modules)
assert not heavy, heavy
model = keras_stargan.load_model(r"{tmp_path / "model.keras"}")
assert type(model).__name__ == "StarGAN"
"""
    subprocess.run([sys.executable, "-c", source], check=True, timeout=120)
    source = f"""
import keras, keras_stargan
keras.saving.load_model(r"{tmp_path / "model.keras"}")
"""
    subprocess.run([sys.executable, "-c", source], check=True, timeout=120)
