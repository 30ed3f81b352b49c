"""What the networks of events share in training."""
