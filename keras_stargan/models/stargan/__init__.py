"""StarGAN: networks, losses and the model."""
