"""The protocol between controller, agents and clients: messages, requests, and their form on the wire."""
