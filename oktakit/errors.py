"""What can go wrong, as a tree.

OktakitError(ValueError)
├── InputError      a path, a format or a value that cannot be used
├── ColumnError     a table without the columns a helper needs
└── ParameterError  a notebook parameter that is unknown or of the wrong type

Every message says what was needed, what was found and what to do.
"""


class OktakitError(ValueError):
    """The base of every error that this package raises on purpose."""


class InputError(OktakitError):
    """Raised for a path that cannot be read or a value that cannot be used."""


class ColumnError(OktakitError):
    """Raised for a table that lacks the columns a helper needs."""

    @classmethod
    def missing(cls, helper: str, missing: list[str], found: list[str]) -> "ColumnError":
        """Return the error that names the missing columns and those that were found."""
        return cls(
            f"{helper} needs the columns {', '.join(missing)}, which this table does not have. "
            f"It has: {', '.join(found) or 'none'}. Pass log.events, or a table with the same column names."
        )


class ParameterError(OktakitError):
    """Raised for a notebook parameter that is unknown or of the wrong type."""
