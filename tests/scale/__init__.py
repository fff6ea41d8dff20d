"""The books at scale: millions of records, then the audit, the rollups and the pages that read them."""
