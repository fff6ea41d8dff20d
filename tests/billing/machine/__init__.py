"""A state machine over the real books. `model.py` and `holds.py` are the books in plain Python; `*_rules.py` do the
same to both, one thing per method; `base.py` compares them after every step. More rules: a mixin of their own.
"""
