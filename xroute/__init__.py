"""XRoute: one endpoint, many models, every token billed."""
