"""Which hosts there are: hosts.yaml, Ansible's inventories, or an OpenSSH config."""
