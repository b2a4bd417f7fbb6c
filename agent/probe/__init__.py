"""The traffic tool: datagrams at set times in both directions, and an account of what became of each."""
