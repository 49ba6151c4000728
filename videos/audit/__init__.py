"""How good person masks are: against the truth where there is one, and by what shows without it."""
