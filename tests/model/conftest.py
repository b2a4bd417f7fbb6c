"""Settings of hypothesis for the differential test: `--hypothesis-profile=deep` looks a hundred times as long."""

from __future__ import annotations

from hypothesis import settings

# The tests multiply max_examples by what each can afford. No deadline: a shared machine may stall any example.
settings.register_profile("default", deadline=None, max_examples=100)
settings.register_profile("deep", deadline=None, max_examples=10_000, print_blob=True)
settings.load_profile("default")
