"""The report of a study: small multiples over its factors, verdicts, effects; pictures also as files for a paper."""
