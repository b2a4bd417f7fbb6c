"""The controller's side of all agents: who is there, what they said, and what must survive a crash."""
