"""What is asked of the kernel: namespaces, interfaces, addresses, settings and sockets."""
