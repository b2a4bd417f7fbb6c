"""Whose a kernel object or process is: the ledger, and processes that are provably ours."""
