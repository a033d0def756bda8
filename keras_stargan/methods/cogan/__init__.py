"""CoGAN (Liu and Tuzel, NIPS 2016)."""
