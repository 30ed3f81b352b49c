"""Training of the network that tells kinds of motion apart."""
