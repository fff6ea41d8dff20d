"""The API plane's views: validate, one call, respond."""
