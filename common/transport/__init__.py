"""How messages get from one process to another: ZeroMQ or memory, with authentication at the handshake."""
