"""A page with a trained model that is hosted for others, with Gradio.

    pip install gradio keras-stargan
    python examples/gradio_app.py avatars

Here the model runs on the server. Where nothing shall leave the visitor's computer, use
`keras-stargan demo` instead.
"""

import sys

import gradio as gr
from PIL import Image

import keras_stargan
from keras_stargan.use.translation import translate_pictures

model = keras_stargan.load_model(sys.argv[1] if len(sys.argv) > 1 else "avatars")
by_style = "latent" in model.guides


def translate(picture: Image.Image, target: str, seed: float) -> Image.Image:
    """A picture of any size, translated to a label or a domain."""
    seeds = [int(seed)] if by_style else []
    (found,) = translate_pictures(
        model, [picture], target, original_size=True, seeds=seeds
    ).values()
    return found[0]


gr.Interface(
    translate,
    [
        gr.Image(type="pil", image_mode="RGB", label="Picture"),
        gr.Radio(list(model.reachable), value=model.reachable[0], label="It becomes"),
        gr.Number(0, precision=0, label="Number of the style", visible=by_style),
    ],
    gr.Image(type="pil", format="png", label="Translation"),
    title=type(model).__name__,
).launch()
