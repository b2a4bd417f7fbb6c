"""What a study leaves on disk: what was asked, its cells, the journal of its runs; reads need no root."""
