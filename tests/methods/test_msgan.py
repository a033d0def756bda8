"""MSGAN on DRIT: the published implementation's figures, in float64, and its files."""

import golden_drit
import numpy as np
import pytest
import torch
from golden_drit import Golden

from keras_stargan import DRIT, MSGAN
from keras_stargan.files.pytorch import state_dict
from keras_stargan.methods.loading import load_published, save_published
from keras_stargan.methods.msgan.published import network_names

FILES = {
    "msgan": (44, {}),
    "msgan_transform": (45, {"form": "transform"}),
    "msgan_batch4": (46, {"batch_size": 4}),
}


@pytest.fixture(scope="module", params=FILES)
def golden(request):
    seed, settings = FILES[request.param]
    return Golden(request.param, seed, MSGAN, **settings)


def test_forward_passes_agree(golden):
    golden_drit.assert_forwards_agree(golden)


def test_losses_of_every_step_agree(golden):
    golden_drit.assert_losses_agree(golden)


def test_weights_after_the_last_step_agree(golden):
    golden_drit.assert_weights_agree(golden)


# The model's own rules, on tiny models.

TINY = {"image_size": 16, "num_filters": 2, "latent_dim": 3, "num_scales": 2}


def test_it_is_drit_with_a_term():
    model, drit = MSGAN(**TINY), DRIT(**TINY)
    assert model.parameters == drit.parameters
    assert (model.lambda_ms, drit.lambda_ms) == (1.0, 0.0)
    seeking = MSGAN.from_config(model.get_config() | {"lambda_ms": 2.0})
    assert (seeking.lambda_ms, seeking.latent_dim) == (2.0, 3)
    more = {"mode_seeking_a", "mode_seeking_b"}
    for ours, theirs in zip(model.updates, drit.updates, strict=True):
        terms = set(ours.loss_weights) - set(theirs.loss_weights)
        assert terms == (more if ours.name == "G_random" else set())


# The published files.


@pytest.mark.parametrize(
    "form, size", [("concatenation", 216), ("transform", 16)], ids=["216", "16"]
)
def test_a_published_file_is_read_and_written(form, size, tmp_path):
    model = MSGAN(size, num_filters=2, form=form, num_scales=2)
    content = {
        network: {k: torch.tensor(x) for k, x in state_dict(names).items()}
        for network, names in network_names(model).items()
    }
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([parameter])
    content |= {"gen_opt": optimizer.state_dict(), "ep": 1199, "total_it": 5}
    torch.save(content, tmp_path / "01199.pth")

    # Published files are for 216 px, unless told otherwise.
    image_size = None if size == 216 else size
    found = load_published(tmp_path / "01199.pth", image_size=image_size)
    assert found.form == form
    images = golden_drit.golden_inputs.images(np.random.RandomState(0), 1, size)
    latents = np.ones((1, 8), "float32")
    np.testing.assert_array_equal(
        found.translate(images, "B", latents=latents),
        model.translate(images, "B", latents=latents),
    )

    save_published(model, tmp_path / "again.pth")
    written = torch.load(tmp_path / "again.pth", weights_only=True)
    assert set(written) == set(content) - {"gen_opt", "ep", "total_it"}
    for network, state in written.items():
        assert set(state) == set(content[network])
        assert all(torch.equal(state[k], content[network][k]) for k in state)


def test_spectral_norm_has_no_published_file(tmp_path):
    with pytest.raises(ValueError, match="spectral_norm=True"):
        save_published(MSGAN(**TINY, spectral_norm=True), tmp_path / "file.pth")
