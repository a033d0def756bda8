"""Image translation between many domains for Keras 3: StarGAN and its relatives.

`import keras_stargan` is light: Keras and TensorFlow are imported when a name that
needs them is first used. Where Keras is imported already, all methods are registered
with it at once, so that `keras.saving.load_model` can load their saved models.
`keras_stargan.load_model` can in any case.
"""

import importlib
import sys
from typing import Any

from keras_stargan.version import __version__ as __version__

# Where each name is defined. The methods' classes are found by the registry.
_MODULES = {
    "Adam": "keras_stargan.training.optimizers",
    "LabelSet": "keras_stargan.labels.label_set",
    "LabelSpace": "keras_stargan.labels.label_space",
    "PairwiseModel": "keras_stargan.methods.pairwise",
    "load_model": "keras_stargan.methods.loading",
    "translate_files": "keras_stargan.use.translation",
}


def __getattr__(name: str) -> Any:
    """Imports what is asked for (PEP 562)."""
    from keras_stargan.methods import registry

    if name == "__all__":
        return __dir__()
    if name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
    elif not name.startswith("_") and name in (methods := registry.class_names()):
        value = registry.load(methods[name])
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _register_methods()
    globals()[name] = value  # Python asks only once.
    return value


def __dir__() -> list[str]:
    """All that the package exports."""
    from keras_stargan.methods import registry

    return sorted({"__version__", *_MODULES, *registry.class_names()})


def _register_methods() -> None:
    """Imports all methods where Keras is imported already, else nothing."""
    if "keras" in sys.modules:
        from keras_stargan.methods import registry

        registry.load_all()


_register_methods()
