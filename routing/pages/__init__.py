"""Pages that need all three of who, cost and route: the front page, the overview, the keys, the models."""
