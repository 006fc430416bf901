"""The one exception of the package that a user is meant to read."""


class JaxmorphError(Exception):
    """A mistake that the user can mend; its message is complete without a traceback.

    The message is one readable line that names the thing, its value and the remedy.
    """
