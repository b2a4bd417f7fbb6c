"""What agents and controllers share: words, units, plans, messages. Depends on nothing else of ours."""

from importlib.metadata import version

__version__ = version("plctl")
