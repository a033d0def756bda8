"""FAN, the face alignment network: landmarks, and masks for StarGAN v2."""
