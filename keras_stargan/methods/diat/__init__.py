"""DIAT (Li et al., 2016), as StarGAN compares with it."""
