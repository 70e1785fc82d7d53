"""Long work, done in pieces that are committed one by one: it can be killed and run again."""
