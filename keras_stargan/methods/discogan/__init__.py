"""DiscoGAN (Kim et al., ICML 2017)."""
