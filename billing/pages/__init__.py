"""Pages of WHAT IT COSTS: keys with their limits, credits, usage."""
