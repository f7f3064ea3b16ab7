"""Export into the model repository, through a gate."""
