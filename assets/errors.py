"""The one error type a user can cause: printed as one line by every command, exit status 2."""


class UserError(Exception):
    """Bad input from outside. The message holds the value, what was expected and the next step."""
