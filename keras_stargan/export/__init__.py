"""Models as files for servers."""

from keras_stargan.export.saved_model import export_saved_model

__all__ = ["export_saved_model"]
