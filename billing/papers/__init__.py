"""Papers: receipts, monthly statements, and what they look like as PDF and CSV."""
