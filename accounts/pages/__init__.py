"""Pages of WHO: signing up, the person's own account, the installation."""
