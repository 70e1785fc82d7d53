"""Training of the shipped encoder: `train.train_encoder` reads top to bottom."""
