"""The sandbox: an upstream provider that speaks OpenAI's wire format truly, fails on demand, and keeps a book."""
