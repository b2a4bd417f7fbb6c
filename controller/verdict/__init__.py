"""Whether a link did what was asked of it: witnesses, what they say, and the verdict."""
