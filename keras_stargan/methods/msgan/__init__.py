"""MSGAN (Mao et al., CVPR 2019)."""
