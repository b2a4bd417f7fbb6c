"""What runs on a host while it is deployed to. It is sent there over ssh and imports only the standard library."""
