"""Training of the network for the tasks of the AnDi challenge."""
