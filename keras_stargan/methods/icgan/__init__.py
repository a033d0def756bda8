"""IcGAN (Perarnau et al., 2016)."""
