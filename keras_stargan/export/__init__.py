"""Models as files for servers."""

from typing import TYPE_CHECKING

from keras_stargan.lazy import lazy_names

if TYPE_CHECKING:
    from keras_stargan.export.saved_model import export_saved_model

__all__ = ["export_saved_model"]

__getattr__, __dir__ = lazy_names(
    __name__, {"export_saved_model": "keras_stargan.export.saved_model"}
)
