"""A request in seven verbs: authenticate, parse, choose, reserve, call, settle, answer."""
