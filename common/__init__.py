"""What agents and controllers share: words, units, plans, messages. Depends on nothing else of ours."""

#: As pyproject.toml has it. To ask for that costs every process of ours as much as the C core's import.
__version__ = "0.1.0"
