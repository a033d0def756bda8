"""pix2pix (Isola et al., CVPR 2017)."""
