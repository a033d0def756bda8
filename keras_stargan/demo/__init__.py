"""A page to play with a trained model, which runs in the browser alone."""

from typing import TYPE_CHECKING

from keras_stargan.lazy import lazy_names

if TYPE_CHECKING:
    from keras_stargan.demo.server import make_server
    from keras_stargan.demo.writing import write_demo

__all__ = ["make_server", "write_demo"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "make_server": "keras_stargan.demo.server",
        "write_demo": "keras_stargan.demo.writing",
    },
)
