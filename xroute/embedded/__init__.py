"""What a bare machine needs: PostgreSQL, Valkey, the sandbox provider, and a supervisor for all processes.

Imported by nothing but its own command (`python -m xroute.embedded`), manage.py and the tests.
"""
