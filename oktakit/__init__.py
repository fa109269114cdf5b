"""Follow report exports and risk feedback through an Okta System Log.

The public names stand in `__init__.pyi`; each is imported when it is first used, so that
`import oktakit` costs nothing.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
