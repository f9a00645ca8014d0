"""Visitors of a page that several people share: each has a home folder and a Studio of their own in one house."""
