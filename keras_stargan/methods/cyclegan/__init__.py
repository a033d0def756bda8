"""CycleGAN (Zhu et al., ICCV 2017)."""
