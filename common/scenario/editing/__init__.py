"""Making scenarios of scenarios; every result keeps the rules of one."""
