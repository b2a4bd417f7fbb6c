"""The live page in a real Chromium, before a real server: `make test-page`."""
