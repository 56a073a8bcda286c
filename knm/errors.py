"""The one exception for what a user can cause and mend."""


class UserError(Exception):
    """Bad input, option or environment.

    The message names the file, line or option at fault and says how to mend it. Front ends (the
    pytest plugin, the `knm` command) print it without a traceback; everything else is a bug.
    """
