"""Models as files for servers, phones, browsers and other programs."""

from typing import TYPE_CHECKING

from keras_stargan.lazy import lazy_names

if TYPE_CHECKING:
    from keras_stargan.export.loaded import load_export
    from keras_stargan.export.saved_model import export_saved_model
    from keras_stargan.export.writing import export_model

__all__ = ["export_model", "export_saved_model", "load_export"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "export_model": "keras_stargan.export.writing",
        "export_saved_model": "keras_stargan.export.saved_model",
        "load_export": "keras_stargan.export.loaded",
    },
)
