"""The forwarder: its process, and the agent's side of it."""
