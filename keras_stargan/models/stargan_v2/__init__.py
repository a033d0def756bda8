"""StarGAN v2: networks and losses."""
