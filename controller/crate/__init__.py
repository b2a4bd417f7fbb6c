"""Bundles: a run or a study as one RO-Crate (Process Run Crate) zip, and back to a folder, safely."""
