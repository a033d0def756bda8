"""Requests that TensorFlow Serving runs before a version takes those of clients.

TensorFlow prepares much of what a signature needs when it runs for the first time. The
first client would wait for it.
"""

import io
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from PIL import Image, ImageDraw

from keras_stargan.methods.base import TranslationModel

# Where TensorFlow Serving looks for them, below the folder of a version.
PLACE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")


def has_messages(required: bool) -> bool:
    """Whether TensorFlow Serving's messages can be imported.

    Args:
        required: raises `ImportError` if they cannot.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2  # noqa: F401
    except ImportError as error:
        if required:
            raise ImportError(
                "Warmup requests need TensorFlow Serving's messages: "
                "pip install 'keras-stargan[client]'"
            ) from error
        return False
    return True


def write_warmup(
    folder: pathlib.Path, model: TranslationModel, signatures: Mapping[str, Any]
) -> None:
    """Writes a request of one image for each signature that takes something.

    It needs TensorFlow Serving's messages.

    Args:
        folder: of the SavedModel.
        model: whose names the requests use.
        signatures: the concrete functions of the SavedModel.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    picture = _drawn_picture()
    texts = {
        "encoded": picture,
        "reference": picture,
        "target": model.reachable[-1],
        "domain": model.reachable[-1],
        "source": model.labels.names[0],
    }
    (folder / PLACE).parent.mkdir()
    with tf.io.TFRecordWriter(str(folder / PLACE)) as file:
        for name, function in signatures.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = name
            for spec in tf.nest.flatten(function.structured_input_signature):
                value = texts.get(spec.name, 0)
                # Sides that are open, too, are as in training.
                rest = [side or model.image_size for side in spec.shape[1:]]
                proto = tf.make_tensor_proto(value, spec.dtype, [1, *rest])
                request.inputs[spec.name].CopyFrom(proto)
            if request.inputs:
                log = prediction_log_pb2.PredictLog(request=request)
                record = prediction_log_pb2.PredictionLog(predict_log=log)
                file.write(record.SerializeToString())


def _drawn_picture() -> bytes:
    """A face in a few strokes, as a PNG file."""
    picture = Image.new("RGB", (64, 64), "steelblue")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((12, 6, 52, 58), "bisque")
    draw.ellipse((22, 24, 28, 30), "black")
    draw.ellipse((36, 24, 42, 30), "black")
    draw.arc((22, 32, 42, 48), 20, 160, "firebrick", 3)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
