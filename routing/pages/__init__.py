"""Pages of WHERE IT GOES: the front page, the overview, the models."""
