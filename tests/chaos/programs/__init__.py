"""What runs on the hosts beside plctl: the witness of each link, and whoever gives orders at the workstation."""
