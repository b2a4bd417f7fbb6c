"""The checks of `plctl doctor`: can this machine run links, and how well?"""
