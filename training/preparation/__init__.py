"""What is made once, before training: anatomies, reference figures, pictures of the simulator."""
