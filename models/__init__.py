"""How the network came to be: simulator, training, export, evaluation."""
