"""A stand-in for Stripe, for demo and tests: checkout, webhooks and the objects around them. No money moves here.

It is strict where Stripe is strict: every parameter is checked against the library's own types.
"""
