"""Models as files for servers."""

from keras_stargan.export.saved_model import export_saved_model
from keras_stargan.export.saved_model_v2 import export_saved_model_v2

__all__ = ["export_saved_model", "export_saved_model_v2"]
