"""What a machine with a GPU says of the engine, in one command; and what can be said of it without."""
