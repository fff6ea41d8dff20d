"""Money comes in through Stripe: checkout, webhook, events, and the sweeps that miss nothing."""
