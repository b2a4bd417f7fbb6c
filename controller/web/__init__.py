"""The page's server: HTTP, its API and its streams, over a controller, a run of this process, or folders."""
