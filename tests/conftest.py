"""Set before TensorFlow starts: two logical CPU devices, so that replicas exist."""

import atexit
import os
import shutil
import signal
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# As in the recipes: much faster convolutions where it is off by default.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Not the user's own. A test's processes have it too.
os.environ["KERAS_STARGAN_CACHE"] = tempfile.mkdtemp()
atexit.register(shutil.rmtree, os.environ["KERAS_STARGAN_CACHE"], ignore_errors=True)

import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)

# Tiny graphs are not faster for being optimised, which takes as long as tracing them.
# Programs that the tests start have it on.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

# A shell that runs the tests in the background has interrupts ignored, and so would the
# programs that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def graph_optimiser():
    """On, as it is by default: it fuses operations, and their kernels are others."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture
def faster_truncation(monkeypatch):
    """The mean style of 100 latents in place of 10,000."""
    module = "keras_stargan.methods.base"
    monkeypatch.setattr(f"{module}.TRUNCATION_SAMPLES", 100)
